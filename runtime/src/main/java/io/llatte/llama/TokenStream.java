package io.llatte.llama;

import java.util.Iterator;
import java.util.NoSuchElementException;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;

/// The tokens of one answer as they come. One thread reads; any thread may cancel or close. The caller closes it.
///
/// The texts of all tokens, joined, are the answer. [#finishReason()], [#usage()] and [#timings()] are final once [#hasNext()] says no.
public interface TokenStream extends Iterator<Token>, AutoCloseable {

    /// Whether there is another token; waits until that is known. Asking again costs nothing.
    ///
    /// @throws io.llatte.LlatteException if the generation failed; the stream has then ended
    @Override
    boolean hasNext();

    /// The next token with its text.
    ///
    /// @throws NoSuchElementException after the last
    @Override
    Token next();

    /// Ends the generation from any thread; a running decode stops within a node of its graph on the CPU, after itself on CUDA and Vulkan.
    void cancel();

    /// How it ended, or null while it has not.
    FinishReason finishReason();

    /// The tokens so far.
    Usage usage();

    /// The times so far.
    Timings timings();

    /// The tokens as a stream, which closes this when it is closed.
    default Stream<Token> stream() {
        Iterable<Token> tokens = () -> this;
        return StreamSupport.stream(tokens.spliterator(), false).onClose(this::close);
    }

    /// Cancels what still runs, and ends the stream. Idempotent; any thread.
    @Override
    void close();
}
