package io.llatte.demo;

import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStreamWriter;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.io.Writer;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.Optional;

/// Standard output and standard error, in UTF-8 wherever the system does not insist on something else.
final class Output {

    private static final Writer OUT = writer(FileDescriptor.out, "stdout.encoding");
    private static final PrintWriter ERR = new PrintWriter(writer(FileDescriptor.err, "stderr.encoding"));
    private static boolean progressShown;

    private Output() {
    }

    private static Writer writer(FileDescriptor descriptor, String property) {
        return new OutputStreamWriter(new FileOutputStream(descriptor), charset(property));
    }

    /// The charset of a standard stream. A bare container names ASCII, which would turn most of the world's text into question marks.
    static Charset charset(String property) {
        Charset named = Optional.ofNullable(System.getProperty(property)).map(Charset::forName).orElse(StandardCharsets.UTF_8);
        return named.equals(StandardCharsets.US_ASCII) ? StandardCharsets.UTF_8 : named;
    }

    static PrintWriter writer() {
        return new PrintWriter(OUT);
    }

    static PrintWriter errorWriter() {
        return ERR;
    }

    /// Writes a part of an answer, now.
    ///
    /// @throws BrokenPipeException if nobody reads any more
    /// @throws UncheckedIOException if it cannot be written, as on a full disk
    static void print(String text) {
        try {
            OUT.write(text);
            OUT.flush();
        } catch (IOException e) {
            if (isBrokenPipe(e)) {
                throw new BrokenPipeException();
            }
            throw new UncheckedIOException("standard output cannot be written: " + e.getMessage(), e);
        }
    }

    /// The operating system's words; there is no other sign of it.
    private static boolean isBrokenPipe(IOException e) {
        String message = String.valueOf(e.getMessage()).toLowerCase(Locale.ROOT);
        return message.contains("broken pipe") || message.contains("pipe is being closed") || message.contains("pipe has been ended");
    }

    static void println(String line) {
        print(line + System.lineSeparator());
    }

    /// A line on standard error that is no failure.
    static void note(String line) {
        errorLine("llatte: " + line);
    }

    /// A line on standard error, in the place of the progress where that is shown; what is shown next comes below.
    static synchronized void errorLine(String line) {
        clearProgress();
        ERR.println(line);
        ERR.flush();
    }

    /// Shows how far something is, in the place of what this showed before. For a terminal only.
    static synchronized void progress(String text) {
        progressShown = true;
        ERR.print("\r" + text + "\u001b[K");
        ERR.flush();
    }

    /// Leaves an empty line where progress was shown.
    static synchronized void clearProgress() {
        if (progressShown) {
            progressShown = false;
            ERR.print("\r\u001b[K");
            ERR.flush();
        }
    }

    static void error(String line) {
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
        ERR.flush();
    }
}
