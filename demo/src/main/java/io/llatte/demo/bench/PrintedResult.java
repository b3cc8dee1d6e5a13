package io.llatte.demo.bench;

import com.fasterxml.jackson.databind.JsonNode;

/// A JSON object that a program printed, whose numbers are looked at before they are believed.
///
/// @param program who printed it
/// @param json what it printed
record PrintedResult(String program, JsonNode json) {

    private static final int SHOWN_CHARACTERS = 200;

    /// A number of tokens or sequences.
    ///
    /// @throws BenchException if it is missing, or no whole number of 0 or more
    int count(String field) {
        JsonNode value = json.path(field);
        if (!value.isInt() || value.asInt() < 0) {
            throw unbelievable(field);
        }
        return value.asInt();
    }

    /// A rate or a time.
    ///
    /// @throws BenchException if it is missing, or no positive number
    double positive(String field) {
        double value = json.path(field).asDouble(Double.NaN);
        if (!Double.isFinite(value) || value <= 0) {
            throw unbelievable(field);
        }
        return value;
    }

    private BenchException unbelievable(String field) {
        JsonNode value = json.path(field);
        return new BenchException("%s printed %s as '%s' in %s".formatted(program, value.isMissingNode() ? "nothing" : value, field,
                shortened(json.toString())));
    }

    /// As much of a text as a message can carry, on one line.
    static String shortened(String text) {
        String line = text.strip().replaceAll("[\\s\\p{Cntrl}]+", " ");
        return line.length() <= SHOWN_CHARACTERS ? line : line.substring(0, SHOWN_CHARACTERS) + "…";
    }
}
