package io.llatte;

import io.llatte.llama.Constraint;
import io.llatte.llama.FinishReason;
import io.llatte.schema.TypedReader;

/// What an answer is asked as, and read as.
final class TypedAnswer<T> {

    private final TypedReader<T> reader;
    private final ChatOptions options;

    /// @throws IllegalArgumentException if the type has no schema, or the options constrain the answer already
    TypedAnswer(Class<T> type, ChatOptions options) {
        if (!(options.constraint() instanceof Constraint.None)) {
            throw new IllegalArgumentException("an answer of the type %s has a constraint of its own, and the options have another".formatted(
                    type.getSimpleName()));
        }
        this.reader = TypedReader.of(type);
        this.options = options.toBuilder().constraint(Constraint.jsonSchema(reader.schema().text())).build();
    }

    ChatOptions options() {
        return options;
    }

    /// An answer that was cut off may be whole all the same: only its end was missing.
    T read(ChatAnswer answer) {
        try {
            return reader.read(answer.text());
        } catch (AnswerFormatException e) {
            if (answer.finishReason() == FinishReason.EOG) {
                throw e;
            }
            var incomplete = new IncompleteAnswerException(answer.text(), answer.finishReason(), answer.usage());
            incomplete.addSuppressed(e);
            throw incomplete;
        }
    }
}
