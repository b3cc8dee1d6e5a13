package io.llatte.schema;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.Set;

/// A number of a class, boxed.
record NumberShape(Class<?> type, Bounds bounds) implements Shape {

    private static final Set<Class<?>> WHOLE = Set.of(Byte.class, Short.class, Integer.class, Long.class, BigInteger.class);
    private static final Set<Class<?>> BROKEN = Set.of(Float.class, Double.class, BigDecimal.class);

    static boolean knows(Class<?> boxed) {
        return WHOLE.contains(boxed) || BROKEN.contains(boxed);
    }

    /// With the type's own range, where that is smaller than what llama.cpp's grammar allows a number (16 digits).
    static NumberShape of(Class<?> boxed, Bounds bounds) {
        if (boxed == Byte.class) {
            bounds.within(Byte.MIN_VALUE, Byte.MAX_VALUE);
        } else if (boxed == Short.class) {
            bounds.within(Short.MIN_VALUE, Short.MAX_VALUE);
        } else if (boxed == Integer.class) {
            bounds.within(Integer.MIN_VALUE, Integer.MAX_VALUE);
        }
        return new NumberShape(boxed, bounds);
    }

    @Override
    public ObjectNode schema() {
        ObjectNode schema = Shape.ofType(WHOLE.contains(type) ? "integer" : "number");
        bounds.describeRange(schema);
        return schema;
    }

    @Override
    public Object read(JsonNode node, String at) {
        if (WHOLE.contains(type) ? !node.isIntegralNumber() : !node.isNumber()) {
            throw Shape.mismatch(node, at, WHOLE.contains(type) ? "a whole number" : "a number");
        }
        BigDecimal number = node.decimalValue();
        bounds.checkRange(number, at);
        Object value = convert(number, node);
        if (value instanceof Double real && real.isInfinite() || value instanceof Float single && single.isInfinite() || value == null) {
            throw Shape.mismatch(node, at, "a number that fits into " + type.getSimpleName());
        }
        return value;
    }

    /// Null for a number outside of `long`.
    private Object convert(BigDecimal number, JsonNode node) {
        if (type == BigDecimal.class) {
            return number;
        } else if (type == BigInteger.class) {
            return node.bigIntegerValue();
        } else if (type == Double.class) {
            return number.doubleValue();
        } else if (type == Float.class) {
            return number.floatValue();
        } else if (!node.canConvertToLong()) {
            return null;
        }
        long whole = node.longValue();
        if (type == Long.class) {
            return whole;
        }
        return type == Integer.class ? (Object) (int) whole : type == Short.class ? (Object) (short) whole : (Object) (byte) whole;
    }
}
