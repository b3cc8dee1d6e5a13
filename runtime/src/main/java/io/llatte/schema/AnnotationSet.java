package io.llatte.schema;

import com.fasterxml.jackson.annotation.JsonClassDescription;
import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import java.lang.annotation.Annotation;
import java.lang.reflect.AnnotatedElement;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.Optional;
import java.util.Set;

/// What is written at one place of a program, wherever the compiler has put it. Validation's annotations are found by name: their library may
/// be missing.
///
/// @param all without repetition
record AnnotationSet(Set<Annotation> all) {

    static AnnotationSet of(AnnotatedElement... elements) {
        var all = new LinkedHashSet<Annotation>();
        for (AnnotatedElement element : elements) {
            all.addAll(Arrays.asList(element.getAnnotations()));
        }
        return new AnnotationSet(all);
    }

    AnnotationSet and(AnnotationSet more) {
        var both = new LinkedHashSet<>(all);
        both.addAll(more.all);
        return new AnnotationSet(both);
    }

    <A extends Annotation> Optional<A> find(Class<A> type) {
        return all.stream().filter(type::isInstance).map(type::cast).findFirst();
    }

    /// The name that Jackson's annotation gives.
    Optional<String> name() {
        return find(JsonProperty.class).map(JsonProperty::value).filter(name -> !name.isEmpty());
    }

    Optional<String> description() {
        return find(Description.class).map(Description::value)
                .or(() -> find(JsonPropertyDescription.class).map(JsonPropertyDescription::value))
                .or(() -> find(JsonClassDescription.class).map(JsonClassDescription::value))
                .filter(text -> !text.isBlank());
    }

    /// The validation's name of an annotation, as "Size" or "Size.List", or "" where it is none.
    static String constraintName(Annotation annotation) {
        String name = annotation.annotationType().getCanonicalName();
        for (String prefix : new String[] {"jakarta.validation.constraints.", "javax.validation.constraints."}) {
            if (name != null && name.startsWith(prefix)) {
                return name.substring(prefix.length());
            }
        }
        return "";
    }

    /// An annotation's element.
    static Object element(Annotation annotation, String name) {
        try {
            return annotation.annotationType().getMethod(name).invoke(annotation);
        } catch (ReflectiveOperationException e) {
            throw new IllegalArgumentException("%s cannot be read: %s".formatted(annotation, e), e);
        }
    }
}
