/// Tools that a model may call: methods of an object, or functions with a schema of their own.
///
/// ```java
/// final class Weather {
///     @ToolMethod("The weather in a city")
///     public Report weather(@Description("the city's English name") String city, Optional<LocalDate> day) { … }
/// }
///
/// var tools = Toolbox.of(new Weather());
/// ToolAnswer answer = llm.chat(messages, tools, ChatOptions.defaults());
/// ```
package io.llatte.tools;
