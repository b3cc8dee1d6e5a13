/// JSON schemas of Java types, and values of those types from JSON: an answer in the shape of a record.
///
/// ```java
/// record Trip(String city, @Min(1) int days, List<String> sights) { }
///
/// String schema = JsonSchema.of(Trip.class).text();
/// Trip trip = TypedReader.of(Trip.class).read("{\"city\": \"Rome\", \"days\": 3, \"sights\": []}");
/// ```
package io.llatte.schema;
