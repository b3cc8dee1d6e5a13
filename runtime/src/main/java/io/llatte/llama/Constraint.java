package io.llatte.llama;

import java.util.Objects;

/// What an answer must look like. The model chooses among what is allowed: each answer that comes to its end is valid by construction, and one that
/// is cut off is the beginning of a valid one.
///
/// What cannot be parsed is an [io.llatte.GrammarException] where the constraint is used.
public sealed interface Constraint {

    /// Anything.
    record None() implements Constraint {
    }

    /// JSON that a schema allows, by llama.cpp's own conversion to a grammar.
    ///
    /// @param schema a JSON schema, as JSON
    record JsonSchema(String schema) implements Constraint {
        public JsonSchema {
            Objects.requireNonNull(schema, "schema");
        }
    }

    /// What a grammar allows.
    ///
    /// @param gbnf the grammar in GBNF, with a rule `root`
    record Grammar(String gbnf) implements Constraint {
        public Grammar {
            Objects.requireNonNull(gbnf, "gbnf");
        }
    }

    /// Text that matches a regular expression as a whole, by llama.cpp's own conversion to a grammar. It knows letters, escaped punctuation, `.`
    /// (no line break), classes as `[a-z]`, groups, `|`, `*`, `+`, `?` and `{m,n}`; anything else, `\d` too, is refused.
    ///
    /// @param pattern the regular expression, at most 64 KiB; `^` and `$` around it may be left out
    record Regex(String pattern) implements Constraint {
        public Regex {
            Objects.requireNonNull(pattern, "pattern");
        }
    }

    static Constraint none() {
        return new None();
    }

    static Constraint jsonSchema(String schema) {
        return new JsonSchema(schema);
    }

    static Constraint grammar(String gbnf) {
        return new Grammar(gbnf);
    }

    static Constraint regex(String pattern) {
        return new Regex(pattern);
    }
}
