package io.llatte.demo;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/// Text that another program or a file gives us on standard input, in UTF-8.
final class PipedInput {

    private PipedInput() {
    }

    /// All of it.
    static String read(InputStream in) throws IOException {
        return new String(in.readAllBytes(), StandardCharsets.UTF_8).strip();
    }

    /// All of it, or "" if nothing comes for a while: who starts a program with `-p` often leaves it a pipe that nobody writes to.
    static String readIfAny(InputStream in, Duration patience) throws IOException {
        var first = new CompletableFuture<Integer>();
        Thread.ofPlatform().daemon().name("llatte-stdin").start(() -> {
            try {
                first.complete(in.read());
            } catch (IOException e) {
                first.completeExceptionally(e);
            }
        });
        int firstByte = await(first, patience);
        return firstByte < 0 ? "" : read(new java.io.SequenceInputStream(new java.io.ByteArrayInputStream(new byte[] {(byte) firstByte}), in));
    }

    private static int await(CompletableFuture<Integer> first, Duration patience) {
        try {
            return first.orTimeout(patience.toMillis(), TimeUnit.MILLISECONDS).join();
        } catch (CompletionException e) {
            switch (e.getCause()) {
                case TimeoutException _ -> {
                    Output.note("nothing came on standard input for %d s, going on without it".formatted(patience.toSeconds()));
                    return -1;
                }
                case IOException io -> throw new UncheckedIOException("standard input cannot be read", io);
                default -> throw e;
            }
        }
    }
}
