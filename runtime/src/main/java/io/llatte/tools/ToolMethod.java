package io.llatte.tools;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/// Makes a public method a tool. Its parameters become the tool's arguments, as [io.llatte.schema.JsonSchema] says; they have names where the class was
/// compiled with `-parameters`, or by `@JsonProperty`, and descriptions by [io.llatte.schema.Description].
///
/// What it returns goes to the model: a text as it is, other things as JSON. So does the message of what it throws.
@Retention(RetentionPolicy.RUNTIME)
@Target(ElementType.METHOD)
public @interface ToolMethod {

    /// What the tool does and when to call it, in words for the model.
    String value();

    /// The tool's name; the method's unless said otherwise.
    String name() default "";
}
