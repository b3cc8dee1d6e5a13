package io.llatte.llama;

import java.util.List;
import java.util.NoSuchElementException;
import java.util.Optional;

/// Makes tokens with text of ids: characters come out whole, and nothing of a stop string does. One thread.
public final class TokenReader {

    /// Where ids come from.
    public interface Ids {

        /// The next id, or -1 after the last.
        int next();

        /// How probable the model found the last one, where that was asked for.
        default Optional<Logprobs> logprobs() {
            return Optional.empty();
        }

        /// A stop string came up: no further id is wanted, and [#next()] will say -1.
        void stop();
    }

    private static final int NONE = -1;

    private final Ids ids;
    private final TextDecoder decoder;
    private final StopStrings stops;
    private int upcoming = NONE;
    private String upcomingText;
    private Optional<Logprobs> upcomingLogprobs = Optional.empty();
    private boolean ended;

    /// @param showSpecial whether control tokens appear in the text by their names
    /// @param stops texts that end the text and are not part of it
    public TokenReader(Vocab vocab, boolean showSpecial, List<String> stops, Ids ids) {
        this(new TextDecoder(vocab, showSpecial), stops, ids);
    }

    /// @param shown control tokens that appear in the text by their names, while others do not
    /// @param stops texts that end the text and are not part of it
    public TokenReader(Vocab vocab, int[] shown, List<String> stops, Ids ids) {
        this(new TextDecoder(vocab, false, shown.clone()), stops, ids);
    }

    private TokenReader(TextDecoder decoder, List<String> stops, Ids ids) {
        this.ids = ids;
        this.decoder = decoder;
        this.stops = new StopStrings(List.copyOf(stops));
    }

    /// Whether there is another token. Asking again asks for no further id.
    public boolean hasNext() {
        if (upcoming != NONE) {
            return true;
        }
        int id = ended ? NONE : ids.next();
        if (id == NONE) {
            ended = true;
            return false;
        }
        String text = stops.accept(decoder.accept(id));
        if (stops.isMatched()) {
            ended = true;
            ids.stop();
            // The token that completed the stop string carries the text before it, if there is any.
            if (text.isEmpty()) {
                return false;
            }
        }
        upcoming = id;
        upcomingText = text;
        upcomingLogprobs = ids.logprobs();
        return true;
    }

    /// The next token with its text.
    ///
    /// @throws NoSuchElementException after the last
    public Token next() {
        if (!hasNext()) {
            throw new NoSuchElementException("there is no further token");
        }
        var token = new Token(upcoming, upcomingText, upcomingLogprobs);
        upcoming = NONE;
        // Text is held back that no later token may carry: look whether there is one.
        if (stops.isHolding() && !ended && !hasNext() && !stops.isMatched()) {
            token = token.withText(token.text() + stops.flush());
        }
        return token;
    }

    /// The token that [#hasNext()] looked ahead to, or -1 where it did not; it is taken.
    int takeUpcoming() {
        int id = upcoming;
        upcoming = NONE;
        return id;
    }

    /// Whether a stop string came up.
    public boolean isStopped() {
        return stops.isMatched();
    }
}
