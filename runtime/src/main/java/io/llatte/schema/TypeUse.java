package io.llatte.schema;

import java.lang.reflect.AnnotatedArrayType;
import java.lang.reflect.AnnotatedParameterizedType;
import java.lang.reflect.AnnotatedType;
import java.lang.reflect.GenericArrayType;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.Type;
import java.lang.reflect.TypeVariable;
import java.lang.reflect.WildcardType;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/// A type where it is used, with what is written at it.
///
/// @param raw the class
/// @param arguments its type arguments; of an array its elements' type; empty for a class that has none, and for a raw type
/// @param annotations what is written at it
record TypeUse(Class<?> raw, List<TypeUse> arguments, AnnotationSet annotations) {

    static TypeUse of(Type type, Map<TypeVariable<?>, TypeUse> variables, String path) {
        AnnotationSet none = AnnotationSet.of();
        return switch (type) {
            case Class<?> array when array.isArray() -> new TypeUse(array, List.of(of(array.getComponentType(), variables, path)), none);
            case Class<?> raw -> new TypeUse(raw, List.of(), none);
            case ParameterizedType generic -> {
                var arguments = new ArrayList<TypeUse>();
                for (Type argument : generic.getActualTypeArguments()) {
                    arguments.add(of(argument, variables, path));
                }
                yield new TypeUse((Class<?>) generic.getRawType(), arguments, none);
            }
            case GenericArrayType array -> {
                TypeUse element = of(array.getGenericComponentType(), variables, path);
                yield new TypeUse(element.raw.arrayType(), List.of(element), none);
            }
            case TypeVariable<?> variable -> bound(variable, variables, path);
            case WildcardType wildcard ->
                throw new IllegalArgumentException("%s: a schema needs a type, and %s leaves it open".formatted(path, wildcard));
            default -> throw new IllegalArgumentException("%s: %s is no type that has a schema".formatted(path, type));
        };
    }

    private static TypeUse bound(TypeVariable<?> variable, Map<TypeVariable<?>, TypeUse> variables, String path) {
        TypeUse bound = variables.get(variable);
        if (bound == null) {
            throw new IllegalArgumentException("%s: a schema needs a type, and nothing says what %s is".formatted(path, variable));
        }
        return bound;
    }

    /// The same with the annotations of type arguments. Those of an array's elements are left out: Java writes an array's own there too.
    static TypeUse of(AnnotatedType type, Map<TypeVariable<?>, TypeUse> variables, String path) {
        TypeUse plain = of(type.getType(), variables, path);
        var arguments = plain.arguments;
        if (type instanceof AnnotatedParameterizedType generic) {
            arguments = new ArrayList<>();
            for (AnnotatedType argument : generic.getAnnotatedActualTypeArguments()) {
                arguments.add(of(argument, variables, path));
            }
        }
        return new TypeUse(plain.raw, arguments, type instanceof AnnotatedArrayType ? plain.annotations
                : plain.annotations.and(AnnotationSet.of(type)));
    }

    TypeUse with(AnnotationSet more) {
        return new TypeUse(raw, arguments, annotations.and(more));
    }

    /// What the class's type variables stand for here.
    Map<TypeVariable<?>, TypeUse> variables() {
        var variables = new HashMap<TypeVariable<?>, TypeUse>();
        TypeVariable<?>[] declared = raw.getTypeParameters();
        for (int i = 0; i < Math.min(declared.length, arguments.size()); i++) {
            variables.put(declared[i], arguments.get(i));
        }
        return variables;
    }
}
