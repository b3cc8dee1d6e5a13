package io.llatte.internal.ffi;

import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import java.lang.foreign.GroupLayout;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class AbiCheckTest {

    private static final GroupLayout BOUND = MemoryLayout.structLayout(
            ValueLayout.JAVA_INT.withName("count"), MemoryLayout.paddingLayout(4), ValueLayout.JAVA_LONG.withName("bytes")).withName("thing");

    private static List<String> compare(String loaded) {
        List<String> differences = new ArrayList<>();
        AbiCheck.compareStruct(BOUND, AbiCheck.parse(loaded), differences);
        return differences;
    }

    @Test
    void everyStructOfTheBindings_isCompared() {
        List<String> bound = new ClassFileImporter().importPackages("io.llatte.bindings").stream()
                .filter(struct -> struct.isTopLevelClass() && struct.tryGetMethod("layout").isPresent())
                .map(JavaClass::getSimpleName).toList();

        assertThat(AbiCheck.SHARED_STRUCTS).extracting(struct -> struct.name().orElseThrow()).containsExactlyInAnyOrderElementsOf(bound);
    }

    @Test
    void equalLayouts_haveNoDifference() {
        assertThat(compare("thing 16\nthing.count 0 4\nthing.bytes 8 8\n")).isEmpty();
    }

    @Test
    void movedField_isNamedWithBothPlaces() {
        assertThat(compare("thing 16\nthing.count 4 4\nthing.bytes 8 8\n"))
                .containsExactly("thing.count (offset size) is 4 4 in the library and 0 4 in the bindings");
    }

    @Test
    void otherSizeAndMissingField_areDifferences() {
        assertThat(compare("thing 24\nthing.count 0 4\n")).hasSize(2)
                .anyMatch(difference -> difference.contains("sizeof thing is 24"))
                .anyMatch(difference -> difference.contains("thing.bytes") && difference.contains("null"));
    }

    @Test
    void description_isParsedByLine() {
        assertThat(AbiCheck.parse("a 1\n\nb.c 2 3\n")).isEqualTo(Map.of("a", "1", "b.c", "2 3"));
    }
}
