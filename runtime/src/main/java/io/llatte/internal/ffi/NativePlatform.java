package io.llatte.internal.ffi;

import java.util.Locale;

/// The machine's platform under the names that the native packages use, as in `linux-x86_64`.
record NativePlatform(String os, String arch) {

    static NativePlatform current() {
        return of(System.getProperty("os.name"), System.getProperty("os.arch"));
    }

    static NativePlatform of(String osName, String osArch) {
        String os = osName.toLowerCase(Locale.ROOT);
        String arch = osArch.toLowerCase(Locale.ROOT);
        return new NativePlatform(
                os.startsWith("mac") ? "macos" : os.startsWith("windows") ? "windows" : os.startsWith("linux") ? "linux" : os,
                switch (arch) {
                    case "amd64", "x86_64" -> "x86_64";
                    case "arm64", "aarch64" -> "aarch64";
                    default -> arch;
                });
    }

    String classifier() {
        return os + "-" + arch;
    }

    /// The shim's file name. Core libraries are loaded under their SONAME, since jars lose symbolic links.
    String shimFile() {
        return libraryFile("llatte");
    }

    /// The core libraries, each after those it needs.
    String[] coreLibraryFiles() {
        return new String[] {
            libraryFile("ggml-base"), libraryFile("ggml"), libraryFile("llama"), libraryFile("llama-common"), libraryFile("mtmd"), shimFile()
        };
    }

    private String libraryFile(String name) {
        return switch (os) {
            case "windows" -> name + ".dll";
            case "macos" -> "lib" + name + ".0.dylib";
            default -> "lib" + name + ".so.0";
        };
    }
}
