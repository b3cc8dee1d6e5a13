package io.llatte.hazards;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.llatte.GrammarException;
import io.llatte.llama.Constraint;
import io.llatte.llama.Context;
import io.llatte.llama.Model;
import io.llatte.llama.Sampler;
import java.io.IOException;
import java.util.List;
import java.util.Random;

/// Grammars and schemas that llama.cpp's parser overflows the stack on, loops in, or throws at in the middle of a choice.
final class GrammarHazards extends Hazards {

    private final Model model = speaking();
    private final Context context = model.newContext(small().build());

    GrammarHazards() throws IOException {
        context.decode(rows(context, 4));
    }

    private Sampler grammar(String gbnf) {
        return Sampler.builder(model).grammar(gbnf).greedy().build();
    }

    private void use(String gbnf) {
        try (var sampler = grammar(gbnf)) {
            for (int i = 0; i < 8; i++) {
                sampler.sample(context, -1);
            }
        }
    }

    private void refusedAsGrammar(String gbnf) {
        assertThatExceptionOfType(GrammarException.class).as(gbnf.substring(0, Math.min(60, gbnf.length()))).isThrownBy(() -> use(gbnf));
    }

    void grammarsThatCannotBeParsed() {
        for (String gbnf : List.of("", " ", "root", "root ::=", "root ::= (", "root ::= [", "root ::= \"", "root ::= \"a\" )", "other ::= \"a\"",
                "root ::= undefined", "root ::= \"a\"{", "root ::= \"a\"{3,1}", "root ::= *", "root ::= \"\\x\"", "root ::= [\\u12]", "\0", "::= a", "root ::= ]",
                "root ::= <[99999999]>", "root ::= <nothing>")) {
            survived(() -> use(gbnf));
        }
        refusedAsGrammar("");
        refusedAsGrammar("other ::= \"a\"");
        refusedAsGrammar("root ::= undefined");
        refusedAsGrammar("root ::= (");
    }

    void missingRoot() {
        assertThatExceptionOfType(GrammarException.class)
                .isThrownBy(() -> Sampler.builder(model).grammar("root ::= \"a\"", "elsewhere").greedy().build());
        survived(() -> Sampler.builder(model).grammar("root ::= \"a\"", "").greedy().build().close());
    }

    void leftRecursion() {
        refusedAsGrammar("root ::= root \"a\"");
        refusedAsGrammar("root ::= a\na ::= b\nb ::= root \"x\"");
        refusedAsGrammar("root ::= a? root \"x\"\na ::= \"y\"");
        survived(() -> use("root ::= (root?)"));
        survived(() -> use("root ::= (\"\")* \"a\""));
        survived(() -> use("root ::= (\"\"*)*"));
    }

    void twoHundredThousandParentheses() {
        refusedAsGrammar("root ::= " + "(".repeat(200_000) + "\"a\"" + ")".repeat(200_000));
        refusedAsGrammar("root ::= " + "(".repeat(200_000));
        survived(() -> use("root ::= " + ")".repeat(200_000)));
        survived(() -> use("root ::= " + "(".repeat(250) + "\"a\"" + ")".repeat(250)));
        survived(() -> use("root ::= " + "(\"a\" | ".repeat(250) + "\"b\"" + ")*".repeat(250)));
    }

    void chainsOfManyRules() {
        for (int rules : List.of(1000, 4000, 10_000)) {
            var gbnf = new StringBuilder("root ::= r0\n");
            for (int i = 0; i < rules; i++) {
                gbnf.append("r").append(i).append(" ::= r").append(i + 1).append('\n');
            }
            survived(() -> use(gbnf + "r" + rules + " ::= \"a\"\n"));
        }
        var doubling = new StringBuilder("root ::= d0\n");
        for (int i = 0; i < 40; i++) {
            doubling.append("d").append(i).append(" ::= d").append(i + 1).append("? d").append(i + 1).append("?\n");
        }
        survived(() -> Sampler.builder(model).grammar("root ::= \"a\" | \"b\"").greedy().build().close());
    }

    void repetitionsThatNeverEnd() {
        for (String count : List.of("{99999999}", "{0,99999999}", "{2147483647}", "{4294967296}", "{99999999999999999999}", "{-1}", "{1,}")) {
            survived(() -> use("root ::= \"a\"" + count));
            survived(() -> use("root ::= (\"a\"" + count + ")" + count));
        }
        refusedAsGrammar("root ::= \"a\"{99999999}");
    }

    void noContinuation() {
        // No token of this vocabulary begins with these characters.
        refusedAsGrammar("root ::= \"" + "\u4e00".repeat(4) + "\"");
        refusedAsGrammar("root ::= [\u4e00-\u9fff]+");
        checkUsable(context);
    }

    void acceptingWhatTheGrammarForbids() {
        int forbidden = model.vocab().tokenize("z", false, false)[0];
        try (var sampler = grammar("root ::= \"hello\"")) {
            assertThatExceptionOfType(GrammarException.class).isThrownBy(() -> sampler.accept(forbidden));
            survived(() -> sampler.sample(context, -1));
            survived(() -> sampler.accept(model.vocab().eos()));
            survived(sampler::reset);
            survived(() -> sampler.copy().close());
        }
    }

    void goingOnAfterTheEnd() {
        try (var sampler = grammar("root ::= \"a\"")) {
            int first = sampler.sample(context, -1);
            assertThat(model.vocab().detokenize(first)).isEqualTo("a");
            for (int i = 0; i < 5; i++) {
                survived(() -> sampler.sample(context, -1));
            }
        }
    }

    void schemasThatCannotBeConverted() {
        for (String schema : List.of("", "{", "5", "[]", "\"x\"", "null", "{\"type\": 5}", "{\"type\": \"nothing\"}", "{\"$ref\": \"#\"}", "{\"$ref\": \"#/a/b\"}",
                "{\"$ref\": \"https://example.invalid/x\"}", "{\"$ref\": 5}", "{\"type\": \"string\", \"pattern\": \"^(((\"}", "{\"type\": \"string\", \"pattern\": \"^[z-a]$\"}",
                "{\"type\": \"string\", \"pattern\": \"^(a*)*$\"}", "{\"type\": \"string\", \"pattern\": \"^\\\\\"}", "{\"type\": \"string\", \"minLength\": 99999999}",
                "{\"type\": \"string\", \"maxLength\": -1}", "{\"type\": \"array\", \"minItems\": 99999999}", "{\"type\": \"array\", \"items\": {\"type\": \"string\"}, \"maxItems\": 2147483647}",
                "{\"type\": \"integer\", \"minimum\": 9223372036854775807}", "{\"type\": \"integer\", \"minimum\": 1e300}", "{\"type\": \"integer\", \"minimum\": 5, \"maximum\": 1}",
                "{\"enum\": []}", "{\"const\": {}}", "{\"oneOf\": []}", "{\"allOf\": [5]}", "{\"anyOf\": 5}", "{\"properties\": 5}", "{\"properties\": {\"a\": 5}}",
                "{\"type\": \"object\", \"required\": [\"a\"], \"properties\": {\"a\": {\"$ref\": \"#\"}}}",
                "{\"$defs\": {\"a\": {\"$ref\": \"#/$defs/b\"}, \"b\": {\"$ref\": \"#/$defs/a\"}}, \"$ref\": \"#/$defs/a\"}")) {
            HazardProgram.detail(schema);
            survived(() -> {
                try (var sampler = Sampler.builder(model).jsonSchema(schema).greedy().build()) {
                    sampler.sample(context, -1);
                }
            });
        }
    }

    void patternsThatCannotBeConverted() {
        for (String pattern : List.of("", "^", "$", "^$", "\0", "a\0b", "(", ")", "[", "[]", "[^]", "[z-a]", "*", "a**", "a{", "a{}", "a{,}", "a{99999999}", "a{5,1}", "(a{1000}){1000}",
                "\\", "\\d", "\\x", "\\u12", "\\1", "(?=a)", "(?<n>a)", "a|", "|", "a||b", "\"", "a\nroot ::= \"b\"", "\ud800", "é+", "(a*)*", "((((a", "a".repeat(70_000))) {
            HazardProgram.detail(pattern.substring(0, Math.min(40, pattern.length())));
            survived(() -> {
                try (var sampler = Sampler.builder(model).constraint(Constraint.regex(pattern)).greedy().build()) {
                    sampler.sample(context, -1);
                }
            });
        }
        for (int depth : List.of(90, 110, 10_000, 30_000)) {
            HazardProgram.detail("parentheses * " + depth);
            survived(() -> Sampler.builder(model).constraint(Constraint.regex("(".repeat(depth) + "a" + ")".repeat(depth))).greedy().build().close());
        }
    }

    void schemasNestedDeeply() {
        for (int depth : List.of(100, 1000, 10_000, 100_000)) {
            for (String level : List.of("{\"items\": ", "{\"properties\": {\"a\": ", "{\"anyOf\": [", "{\"not\": ", "[")) {
                String closing = level.endsWith("[") ? level.startsWith("{") ? "]}" : "]" : level.contains("properties") ? "}}" : "}";
                HazardProgram.detail(level + " * " + depth);
                survived(() -> Sampler.builder(model).jsonSchema(level.repeat(depth) + "{}" + closing.repeat(depth)).greedy().build().close());
            }
            HazardProgram.detail("pattern * " + depth);
            survived(() -> Sampler.builder(model).jsonSchema(
                    "{\"type\": \"string\", \"pattern\": \"^" + "(".repeat(depth) + "a" + ")".repeat(depth) + "$\"}").greedy().build().close());
        }
    }

    /// Texts that almost are grammars.
    void randomGrammars() {
        var random = new Random(23);
        String[] parts = {"root", " ::= ", "\n", "\"a\"", "(", ")", "*", "+", "?", "|", " ", "[a-z]", "[^\\n]", "{2}", "{0,3}", ".", "b", "#", "\\", "\"", "[", "]", "é"};
        for (int round = 0; round < 2000; round++) {
            var gbnf = new StringBuilder(random.nextBoolean() ? "root ::= \"a\" b\nb ::= " : "root ::= ");
            for (int i = random.nextInt(14); i >= 0; i--) {
                gbnf.append(parts[random.nextInt(parts.length)]);
            }
            if (round % 100 == 0) {
                HazardProgram.detail("from round " + round);
            }
            survived(() -> use(gbnf.toString()));
        }
    }
}
