package io.llatte.internal.ffi;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class NativePlatformTest {

    @ParameterizedTest
    @CsvSource({
        "Linux, amd64, linux-x86_64, libllatte.so.0",
        "Linux, aarch64, linux-aarch64, libllatte.so.0",
        "Mac OS X, aarch64, macos-aarch64, libllatte.0.dylib",
        "Windows 11, amd64, windows-x86_64, llatte.dll",
    })
    void namesAreSettledForEveryPlatform(String os, String arch, String classifier, String shim) {
        NativePlatform platform = NativePlatform.of(os, arch);

        assertThat(platform.classifier()).isEqualTo(classifier);
        assertThat(platform.shimFile()).isEqualTo(shim);
        assertThat(platform.coreLibraryFiles()).endsWith(shim);
    }
}
