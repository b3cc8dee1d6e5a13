package io.llatte;

import java.util.Iterator;

/// An answer as it comes, its text, reasoning and tool calls told apart. One thread reads; any thread may cancel or close. The caller closes it.
///
/// The last event is [ChatEvent.Ended]. The deltas of each kind, joined, are what it says, unless a format's parser took back what it had taken for
/// text: what [ChatEvent.Ended] says is true.
public interface ChatStream extends Iterator<ChatEvent>, AutoCloseable {

    /// Whether there is another event; waits until that is known.
    ///
    /// @throws LlatteException if the generation failed; the stream has then ended
    @Override
    boolean hasNext();

    /// The next event.
    ///
    /// @throws java.util.NoSuchElementException after the last
    @Override
    ChatEvent next();

    /// Ends the answer from any thread; what was said stands.
    void cancel();

    /// Cancels what still runs, and ends the stream. Idempotent; any thread.
    @Override
    void close();
}
