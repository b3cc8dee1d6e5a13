package io.llatte.demo;

import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.OutputStreamWriter;
import java.io.PrintWriter;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.util.Optional;

/// Standard output and standard error, in UTF-8 wherever the system does not insist on something else.
final class Output {

    private static final PrintWriter OUT = writer(FileDescriptor.out, "stdout.encoding");
    private static final PrintWriter ERR = writer(FileDescriptor.err, "stderr.encoding");

    private Output() {
    }

    private static PrintWriter writer(FileDescriptor descriptor, String property) {
        return new PrintWriter(new OutputStreamWriter(new FileOutputStream(descriptor), charset(property)), false);
    }

    /// The charset of a standard stream. A bare container names ASCII, which would turn most of the world's text into question marks.
    static Charset charset(String property) {
        Charset named = Optional.ofNullable(System.getProperty(property)).map(Charset::forName).orElse(StandardCharsets.UTF_8);
        return named.equals(StandardCharsets.US_ASCII) ? StandardCharsets.UTF_8 : named;
    }

    static PrintWriter writer() {
        return OUT;
    }

    static PrintWriter errorWriter() {
        return ERR;
    }

    /// Writes a part of an answer, now.
    ///
    /// @throws BrokenPipeException if nobody reads any more
    static void print(String text) {
        OUT.print(text);
        if (OUT.checkError()) {
            throw new BrokenPipeException();
        }
    }

    static void println(String line) {
        print(line + System.lineSeparator());
    }

    /// A line on standard error that is no failure.
    static void note(String line) {
        ERR.println("llatte: " + line);
        ERR.flush();
    }

    static void error(String line) {
        OUT.flush();
        note(line);
    }

    /// Whether colours and cursor movement are unwelcome.
    static boolean isPlain() {
        String noColor = System.getenv("NO_COLOR");
        return noColor != null && !noColor.isEmpty() || isDumb();
    }

    static boolean isDumb() {
        return "dumb".equals(System.getenv().getOrDefault("TERM", System.getProperty("os.name").startsWith("Windows") ? "" : "dumb"));
    }

    static void flush() {
        OUT.flush();
        ERR.flush();
    }
}
