package io.llatte;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.methods;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.GeneralCodingRules.ACCESS_STANDARD_STREAMS;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaMethod;
import com.tngtech.archunit.core.domain.JavaModifier;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchCondition;
import com.tngtech.archunit.lang.ArchRule;
import com.tngtech.archunit.lang.ConditionEvents;
import com.tngtech.archunit.lang.SimpleConditionEvent;
import java.lang.foreign.MemorySegment;
import java.util.Set;
import java.util.stream.Stream;

/// The arrows of docs/ARCHITECTURE.md.
@AnalyzeClasses(packages = "io.llatte", importOptions = ImportOption.DoNotIncludeTests.class)
class ArchitectureTest {

    /// The one door for performance engineers.
    private static final Set<String> MAY_SHOW_SEGMENTS = Set.of("Model.handle", "Context.handle", "Logits.segment");

    @ArchTest
    static final ArchRule onlyTheBoundaryUsesTheBindings = noClasses()
            .that().resideOutsideOfPackages("io.llatte.internal.ffi", "io.llatte.bindings")
            .should().dependOnClassesThat().resideInAPackage("io.llatte.bindings");

    @ArchTest
    static final ArchRule theBoundaryKnowsNothingAbove = noClasses()
            .that().resideInAPackage("io.llatte.internal.ffi")
            .should().dependOnClassesThat().resideInAnyPackage("io.llatte.llama", "io.llatte.memory", "io.llatte.model");

    @ArchTest
    static final ArchRule memoryKnowsNoModels = noClasses()
            .that().resideInAPackage("io.llatte.memory")
            .should().dependOnClassesThat().resideInAnyPackage("io.llatte.llama", "io.llatte.model", "io.llatte.internal..");

    @ArchTest
    static final ArchRule schemasKnowNoModels = noClasses()
            .that().resideInAPackage("io.llatte.schema")
            .should().dependOnClassesThat().resideInAnyPackage("io.llatte.llama", "io.llatte.memory", "io.llatte.model", "io.llatte.engine");

    @ArchTest
    static final ArchRule storeKnowsNoEngines = noClasses()
            .that().resideInAPackage("io.llatte.model")
            .should().dependOnClassesThat().resideInAnyPackage("io.llatte.llama", "io.llatte.memory", "io.llatte.engine", "io.llatte.internal..");

    @ArchTest
    static final ArchRule lowLevelKnowsNothingAbove = noClasses()
            .that().resideInAPackage("io.llatte.llama")
            .should().dependOnClassesThat().resideInAnyPackage("io.llatte.engine", "io.llatte.model");

    /// What is thrown belongs to all; the rest of the top package is above all.
    @ArchTest
    static final ArchRule nothingKnowsTheFacade = noClasses()
            .that().resideInAPackage("io.llatte.*..")
            .should().dependOnClassesThat(DescribedPredicate.describe("are the facade", (JavaClass each) ->
                    each.getPackageName().equals("io.llatte") && !each.isAssignableTo(Throwable.class)));

    @ArchTest
    static final ArchRule packagesHaveNoCycles = slices().matching("io.llatte.(**)").should().beFreeOfCycles();

    @ArchTest
    static final ArchRule noOutputOfItsOwn = noClasses().that().resideOutsideOfPackage("io.llatte.bindings")
            .should(ACCESS_STANDARD_STREAMS);

    @ArchTest
    static final ArchRule noVagueNames = classes().that().resideInAnyPackage("io.llatte..")
            .should().haveNameNotMatching(".*(Util|Utils|Manager|Impl|Helper)$");

    @ArchTest
    static final ArchRule exportedSignaturesShowNoSegments = methods()
            .that().areDeclaredInClassesThat().resideInAnyPackage("io.llatte", "io.llatte.engine", "io.llatte.llama", "io.llatte.memory", "io.llatte.model",
                    "io.llatte.schema")
            .and().areDeclaredInClassesThat().arePublic()
            .and(DescribedPredicate.describe("are public or protected", (JavaMethod method) ->
                    method.getModifiers().contains(JavaModifier.PUBLIC) || method.getModifiers().contains(JavaModifier.PROTECTED)))
            .should(new ArchCondition<>("show no MemorySegment") {
                @Override
                public void check(JavaMethod method, ConditionEvents events) {
                    boolean shows = Stream.concat(method.getRawParameterTypes().stream(), Stream.of(method.getRawReturnType()))
                            .anyMatch(type -> type.isEquivalentTo(MemorySegment.class));
                    String name = method.getOwner().getSimpleName() + "." + method.getName();
                    if (shows && !MAY_SHOW_SEGMENTS.contains(name)) {
                        events.add(SimpleConditionEvent.violated(method, name + " shows a MemorySegment"));
                    }
                }
            });
}
