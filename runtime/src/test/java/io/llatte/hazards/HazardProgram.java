package io.llatte.hazards;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;

/// The child JVM: runs a group's cases and prints a line for each. `HazardProgram GROUP [CASE]`.
public final class HazardProgram {

    static final String BEGIN = "begin ";
    static final String DETAIL = "detail ";
    static final String PASSED = "passed ";
    static final String FAILED = "failed ";

    private HazardProgram() {
    }

    public static void main(String[] arguments) throws ReflectiveOperationException {
        Class<?> group = Class.forName(arguments[0]);
        for (Method method : cases(group)) {
            if (arguments.length < 2 || method.getName().equals(arguments[1])) {
                run(group, method);
            }
        }
    }

    static List<Method> cases(Class<?> group) {
        return Arrays.stream(group.getDeclaredMethods())
                .filter(method -> method.getModifiers() == 0 && method.getParameterCount() == 0 && method.getReturnType() == void.class)
                .filter(method -> !method.isSynthetic() && !Modifier.isStatic(method.getModifiers()))
                .sorted(Comparator.comparing(Method::getName)).toList();
    }

    private static void run(Class<?> group, Method method) throws ReflectiveOperationException {
        print(BEGIN + method.getName());
        long start = System.nanoTime();
        try (var cases = (Hazards) group.getDeclaredConstructor().newInstance()) {
            method.invoke(cases);
            print(PASSED + method.getName() + " " + (System.nanoTime() - start) / 1_000_000 + " ms");
        } catch (InvocationTargetException e) {
            print(FAILED + method.getName() + " " + e.getCause().toString().replaceAll("\\s+", " "));
            e.getCause().printStackTrace();
        } catch (Exception e) {
            print(FAILED + method.getName() + " while closing: " + e.toString().replaceAll("\\s+", " "));
        }
    }

    /// Says what is being done, so that a process that dies here names it.
    static void detail(String what) {
        print(DETAIL + what);
    }

    private static void print(String line) {
        System.out.println(line);
        System.out.flush();
    }
}
