package io.llatte.tools;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.llatte.llama.ToolDefinition;
import io.llatte.schema.TypedReader;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.time.temporal.Temporal;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;

/// A method that is called with what a model wrote.
final class MethodTool implements ToolFunction {

    private static final JsonMapper JSON = JsonMapper.builder().findAndAddModules().build();

    private final Object target;
    private final Method method;
    private final TypedReader<Object[]> arguments;

    private MethodTool(Object target, Method method) {
        this.target = target;
        this.method = method;
        this.arguments = TypedReader.ofParameters(method);
        if (!method.trySetAccessible()) {
            throw new IllegalArgumentException("%s cannot be called from here: its package must be open to io.llatte.runtime".formatted(method));
        }
    }

    static List<Tool> allOf(Object target) {
        List<Tool> tools = Arrays.stream(target.getClass().getMethods()).filter(method -> method.isAnnotationPresent(ToolMethod.class))
                .sorted(Comparator.comparing(Method::getName)).map(method -> tool(target, method)).toList();
        if (tools.isEmpty()) {
            throw new IllegalArgumentException("%s has no public method that is marked with ToolMethod".formatted(target.getClass().getName()));
        }
        return tools;
    }

    private static Tool tool(Object target, Method method) {
        ToolMethod marked = method.getAnnotation(ToolMethod.class);
        var function = new MethodTool(target, method);
        String name = marked.name().isEmpty() ? method.getName() : marked.name();
        return new Tool(new ToolDefinition(name, marked.value(), function.arguments.schema().text()), function);
    }

    @Override
    public String call(String json) throws Exception {
        Object[] values = arguments.read(json.isBlank() ? "{}" : json);
        try {
            return text(method.invoke(target, values));
        } catch (InvocationTargetException e) {
            switch (e.getCause()) {
                case Exception cause -> throw cause;
                case Error cause -> throw cause;
                default -> throw e;
            }
        }
    }

    private static String text(Object result) throws JsonProcessingException {
        return switch (result) {
            case null -> "done";
            case CharSequence text -> text.toString();
            case Number _, Boolean _, Character _, Enum<?> _, Temporal _ -> result.toString();
            default -> JSON.writeValueAsString(result);
        };
    }
}
