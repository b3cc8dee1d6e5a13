package io.llatte.schema;

import io.llatte.internal.ffi.NativeLibrary;
import io.llatte.internal.ffi.NativeSampler;
import java.lang.reflect.Executable;
import java.lang.reflect.Type;
import java.util.Objects;

/// A JSON schema. Immutable; any thread.
///
/// Of a Java type it says what [TypedReader] reads:
///
/// | type | schema |
/// |---|---|
/// | record | an object: its components in their order, all of them required, and nothing else |
/// | sealed interface of records | `anyOf` these; each begins with a property `type`, which is the record's simple name |
/// | `List`, `Collection`, `Set`, array | an array; what is twice in a set is there once |
/// | `Map<String, …>` | an object of any names; of a name that is there twice the last counts |
/// | enum | one of its constants' names |
/// | `Optional`, `OptionalInt`, `OptionalLong`, `OptionalDouble` | the value or `null`; the property is there in both cases |
/// | `boolean`, whole and other numbers, `BigInteger`, `BigDecimal`, `char`, `String` | the same in JSON; `int`, `short`, `byte` in their ranges |
/// | `LocalDate`, `Instant`, `OffsetDateTime`, `OffsetTime`, `UUID`, `URI` | a string with that format |
/// | `LocalTime`, `LocalDateTime` | a string with a pattern, to the second |
///
/// Annotations are read on components, parameters and type arguments: [Description], Jackson's `@JsonProperty` (a name), `@JsonPropertyDescription`
/// and `@JsonClassDescription`, and of Jakarta Validation `@Size`, `@NotEmpty`, `@NotBlank`, `@Pattern`, `@Min`, `@Max`, `@DecimalMin`,
/// `@DecimalMax`, `@Positive`, `@PositiveOrZero`, `@Negative` and `@NegativeOrZero`; its library may be missing. Lengths of strings are code points.
///
/// A type must not contain itself, and must have at most 2,000 parts.
///
/// @param text the schema, as JSON
public record JsonSchema(String text) {

    public JsonSchema {
        Objects.requireNonNull(text, "text");
    }

    /// The schema of a type.
    ///
    /// @throws IllegalArgumentException if there is none, with the path to what is not in the table above, or the cycle of types
    public static JsonSchema of(Type type) {
        return new JsonSchema(Derivation.of(type).schema().toString());
    }

    /// The schema of an object whose properties are the parameters of a method or constructor, in their order.
    ///
    /// @throws IllegalArgumentException as above, or if the parameters have no names: compile with `-parameters`, or name them with `@JsonProperty`
    public static JsonSchema ofParameters(Executable executable) {
        return new JsonSchema(Derivation.ofParameters(executable).schema().toString());
    }

    /// The grammar in GBNF that llama.cpp makes of it: what an answer bounded by this schema is chosen from.
    ///
    /// @throws io.llatte.GrammarException if it is no schema, or one that llama.cpp cannot convert
    public String toGrammar() {
        NativeLibrary.load();
        return NativeSampler.grammarFromSchema(text);
    }
}
