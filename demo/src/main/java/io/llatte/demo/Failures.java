package io.llatte.demo;

import io.llatte.LlatteException;
import io.llatte.demo.bench.BenchException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.NoSuchFileException;
import java.util.concurrent.CancellationException;
import picocli.CommandLine;

/// Every failure is one line on standard error and an exit code. `LLATTE_DEBUG=1` adds the stack trace.
final class Failures {

    static final int FAILED = 1;
    static final int MISUSED = 2;
    static final int INTERRUPTED = 130;

    private Failures() {
    }

    static int failed(Exception e, CommandLine commandLine, CommandLine.ParseResult parsed) {
        return e instanceof Misuse ? misused(e, commandLine) : report(e);
    }

    static int report(Throwable e) {
        switch (e) {
            case BrokenPipeException _ -> {
                return CommandLine.ExitCode.OK;     // the reader has what it wanted
            }
            case CancellationException _ -> {
                Output.error("interrupted");
                return INTERRUPTED;
            }
            default -> {
                Output.error(isExpected(e) ? oneLine(e) : "internal error: " + e.getClass().getSimpleName() + ": " + oneLine(e)
                        + (isDebugging() ? "" : " (LLATTE_DEBUG=1 shows where)"));
                if (isDebugging()) {
                    e.printStackTrace(Output.errorWriter());
                    Output.flush();
                }
                return FAILED;
            }
        }
    }

    static int misused(CommandLine.ParameterException e, String[] args) {
        return misused(e, e.getCommandLine());
    }

    private static int misused(Exception e, CommandLine commandLine) {
        Output.error(oneLine(e) + " (see " + commandLine.getCommandSpec().qualifiedName() + " --help)");
        return MISUSED;
    }

    private static boolean isExpected(Throwable e) {
        return e instanceof LlatteException || e instanceof IOException || e instanceof UncheckedIOException
                || e instanceof IllegalArgumentException || e instanceof UnsupportedOperationException
                || e instanceof CommandException || e instanceof BenchException;
    }

    private static boolean isDebugging() {
        return "1".equals(System.getenv("LLATTE_DEBUG"));
    }

    static String oneLine(Throwable e) {
        return switch (e) {
            // The message of these two is the file's name alone.
            case NoSuchFileException missing -> "there is no file " + missing.getFile();
            case AccessDeniedException denied -> "no permission for " + denied.getFile();
            default -> oneLine(e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage());
        };
    }

    static String oneLine(String text) {
        return text.strip().replaceAll("\\s*\\R\\s*", "; ");
    }
}
