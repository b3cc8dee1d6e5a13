package io.llatte.schema;

import com.fasterxml.jackson.annotation.JsonProperty;
import java.lang.reflect.Array;
import java.lang.reflect.Constructor;
import java.lang.reflect.Executable;
import java.lang.reflect.Field;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Parameter;
import java.lang.reflect.RecordComponent;
import java.lang.reflect.Type;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Collection;
import java.util.Collections;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/// Finds out the shape of a type; what it cannot have is an [IllegalArgumentException] that names the path. One derivation, one thread.
final class Derivation {

    private static final int MAX_PARTS = 2000;

    private static final Map<Class<?>, Class<?>> BOXES = Map.of(boolean.class, Boolean.class, byte.class, Byte.class, short.class, Short.class,
            int.class, Integer.class, long.class, Long.class, float.class, Float.class, double.class, Double.class, char.class, Character.class);
    private static final Set<Class<?>> COLLECTIONS = Set.of(List.class, Collection.class, Set.class);

    private final Deque<Class<?>> open = new ArrayDeque<>();
    private final Class<?> root;
    private int parts;

    private Derivation(Class<?> root) {
        this.root = root;
    }

    static Shape of(Type type) {
        TypeUse use = TypeUse.of(type, Map.of(), type.getTypeName());
        return new Derivation(use.raw()).shape(use, use.raw().getSimpleName());
    }

    static Shape ofParameters(Executable executable) {
        var derivation = new Derivation(executable.getDeclaringClass());
        var properties = new LinkedHashMap<String, ObjectShape.Property>();
        for (Parameter parameter : executable.getParameters()) {
            var annotations = AnnotationSet.of(parameter);
            String path = executable.getName() + "." + parameter.getName();
            if (!parameter.isNamePresent() && annotations.name().isEmpty()) {
                throw new IllegalArgumentException("%s: parameters have no names; compile with -parameters, or use @JsonProperty".formatted(path));
            }
            derivation.add(properties, annotations.name().orElse(parameter.getName()), TypeUse.of(parameter.getAnnotatedType(), Map.of(), path)
                    .with(annotations), path);
        }
        return new ObjectShape(Optional.empty(), properties, values -> values);
    }

    private Shape shape(TypeUse use, String path) {
        if (++parts > MAX_PARTS) {
            throw refused(path, "the type has more than %d parts".formatted(MAX_PARTS));
        }
        Class<?> raw = BOXES.getOrDefault(use.raw(), use.raw());
        Bounds bounds = Bounds.of(use.annotations(), path);
        if (raw == String.class) {
            return TextShape.ofString(bounds.only(true, false, true));
        } else if (NumberShape.knows(raw)) {
            return NumberShape.of(raw, bounds.only(false, true, false));
        } else if (COLLECTIONS.contains(raw) || raw.isArray()) {
            return array(use, bounds.only(true, false, false), path);
        } else if (raw == Optional.class || raw == OptionalInt.class || raw == OptionalLong.class || raw == OptionalDouble.class) {
            return optional(use, path);
        }
        bounds.only(false, false, false);
        if (raw == Boolean.class) {
            return new BooleanShape();
        } else if (raw == Character.class) {
            return new CharacterShape();
        } else if (TextShape.ofFormat(raw) != null) {
            return TextShape.ofFormat(raw);
        } else if (raw.isEnum()) {
            return constants(raw, path);
        } else if (raw == Map.class) {
            return map(use, path);
        } else if (raw.isRecord()) {
            return object(use, Optional.empty(), path);
        } else if (raw.isInterface() && raw.isSealed()) {
            return alternatives(use, path);
        }
        throw refused(path, raw.getTypeName() + " has no schema: use records, sealed interfaces of records, lists, sets, maps by String, "
                + "enums and plain values");
    }

    private TypeUse argument(TypeUse use, int index, String path) {
        if (use.arguments().size() <= index) {
            throw refused(path, "the %s does not say of what".formatted(use.raw().getSimpleName()));
        }
        return use.arguments().get(index);
    }

    private Shape array(TypeUse use, Bounds bounds, String path) {
        Shape element = shape(argument(use, 0, path), path + "[]");
        Function<List<Object>, Object> collect = use.raw().isArray() ? elements -> arrayOf(use.raw().componentType(), elements)
                : use.raw() == Set.class ? elements -> Collections.unmodifiableSet(new LinkedHashSet<>(elements)) : List::copyOf;
        return new ArrayShape(element, bounds, collect);
    }

    private static Object arrayOf(Class<?> type, List<Object> elements) {
        Object array = Array.newInstance(type, elements.size());
        for (int i = 0; i < elements.size(); i++) {
            Array.set(array, i, elements.get(i));
        }
        return array;
    }

    private Shape optional(TypeUse use, String path) {
        if (use.raw() == Optional.class) {
            TypeUse value = argument(use, 0, path);
            if (value.raw().getSimpleName().startsWith("Optional")) {
                throw refused(path, "null cannot say which of two Optionals is empty");
            }
            return new OptionalShape(shape(value.with(use.annotations()), path), Optional.empty(), Optional::of);
        }
        Class<?> number = use.raw() == OptionalInt.class ? Integer.class : use.raw() == OptionalLong.class ? Long.class : Double.class;
        Shape shape = shape(new TypeUse(number, List.of(), use.annotations()), path);
        return number == Integer.class ? new OptionalShape(shape, OptionalInt.empty(), value -> OptionalInt.of((int) value))
                : number == Long.class ? new OptionalShape(shape, OptionalLong.empty(), value -> OptionalLong.of((long) value))
                : new OptionalShape(shape, OptionalDouble.empty(), value -> OptionalDouble.of((double) value));
    }

    private Shape constants(Class<?> type, String path) {
        var constants = new LinkedHashMap<String, Object>();
        for (Object constant : type.getEnumConstants()) {
            String name = ((Enum<?>) constant).name();
            try {
                JsonProperty named = type.getField(name).getAnnotation(JsonProperty.class);
                name = named == null || named.value().isEmpty() ? name : named.value();
            } catch (NoSuchFieldException e) {
                throw new AssertionError(e);
            }
            if (constants.put(name, constant) != null) {
                throw refused(path, "two constants of %s are named %s".formatted(type.getSimpleName(), name));
            }
        }
        if (constants.isEmpty()) {
            throw refused(path, type.getSimpleName() + " has no constants");
        }
        return new EnumShape(constants);
    }

    private Shape map(TypeUse use, String path) {
        if (argument(use, 0, path).raw() != String.class) {
            throw refused(path, "a map's keys must be strings, and these are " + use.arguments().getFirst().raw().getSimpleName());
        }
        return new MapShape(shape(argument(use, 1, path), path + "{}"));
    }

    private ObjectShape object(TypeUse use, Optional<String> tag, String path) {
        Class<?> type = use.raw();
        enter(use, path);
        var properties = new LinkedHashMap<String, ObjectShape.Property>();
        RecordComponent[] components = type.getRecordComponents();
        Constructor<?> constructor = constructor(type, components, path);
        for (int i = 0; i < components.length; i++) {
            var annotations = AnnotationSet.of(components[i], components[i].getAccessor(), field(type, components[i]),
                    constructor.getParameters()[i]);
            String name = annotations.name().orElse(components[i].getName());
            if (tag.isPresent() && name.equals(ObjectShape.TAG)) {
                throw refused(path + "." + name, "the name is taken: it tells the records of the sealed interface apart");
            }
            String to = path + "." + components[i].getName();
            add(properties, name, TypeUse.of(components[i].getAnnotatedType(), use.variables(), to).with(annotations), to);
        }
        open.removeLast();
        return new ObjectShape(tag, properties, values -> instance(constructor, values));
    }

    private void enter(TypeUse use, String path) {
        if (open.contains(use.raw())) {
            String cycle = Stream.concat(open.stream().dropWhile(type -> type != use.raw()), Stream.of(use.raw())).map(Class::getSimpleName)
                    .collect(Collectors.joining(" → "));
            throw refused(path, "the type contains itself, and a schema would have no end: " + cycle);
        }
        if (use.arguments().size() < use.raw().getTypeParameters().length) {
            throw refused(path, "%s is a raw type".formatted(use.raw().getSimpleName()));
        }
        open.addLast(use.raw());
    }

    private void add(Map<String, ObjectShape.Property> properties, String name, TypeUse use, String path) {
        var property = new ObjectShape.Property(shape(use, path), use.annotations().description()
                .or(() -> AnnotationSet.of(use.raw()).description()));
        if (properties.put(name, property) != null) {
            throw refused(path, "two properties are named " + name);
        }
    }

    private static Field field(Class<?> type, RecordComponent component) {
        try {
            return type.getDeclaredField(component.getName());
        } catch (NoSuchFieldException e) {
            throw new AssertionError(e);
        }
    }

    private Constructor<?> constructor(Class<?> type, RecordComponent[] components, String path) {
        try {
            Class<?>[] types = Arrays.stream(components).map(RecordComponent::getType).toArray(Class<?>[]::new);
            Constructor<?> constructor = type.getDeclaredConstructor(types);
            if (!constructor.trySetAccessible()) {
                throw refused(path, "the module %s does not open %s to %s".formatted(type.getModule().getName(), type.getPackageName(),
                        Derivation.class.getModule().getName()));
            }
            return constructor;
        } catch (NoSuchMethodException e) {
            throw new AssertionError(e);
        }
    }

    private static Object instance(Constructor<?> constructor, Object[] values) {
        try {
            return constructor.newInstance(values);
        } catch (InvocationTargetException e) {
            throw e.getCause() instanceof RuntimeException refused ? refused : new IllegalArgumentException(e.getCause());
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException(e);
        }
    }

    private Shape alternatives(TypeUse use, String path) {
        var alternatives = new LinkedHashMap<String, ObjectShape>();
        enter(use, path);
        addPermitted(use.raw(), alternatives, path);
        open.removeLast();
        return new AlternativesShape(alternatives);
    }

    private void addPermitted(Class<?> sealed, Map<String, ObjectShape> alternatives, String path) {
        for (Class<?> permitted : sealed.getPermittedSubclasses()) {
            String name = permitted.getSimpleName();
            if (permitted.isInterface() && permitted.isSealed()) {
                addPermitted(permitted, alternatives, path);
            } else if (!permitted.isRecord()) {
                throw refused(path, "%s permits %s, which is no record".formatted(sealed.getSimpleName(), permitted.getTypeName()));
            } else if (alternatives.containsKey(name)) {
                throw refused(path, "%s permits two records named %s".formatted(sealed.getSimpleName(), name));
            } else {
                alternatives.put(name, object(new TypeUse(permitted, List.of(), AnnotationSet.of()), Optional.of(name), path + "<" + name + ">"));
            }
        }
    }

    private IllegalArgumentException refused(String path, String reason) {
        return new IllegalArgumentException("no schema of %s: %s: %s".formatted(root.getSimpleName(), path, reason));
    }
}
