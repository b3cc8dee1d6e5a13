package io.llatte.demo.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.awt.GraphicsEnvironment;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.knowm.xchart.XYChart;
import org.w3c.dom.Element;

/// Plots of made-up rows.
class BenchPlotTest {

    @TempDir
    private Path folder;

    private Path results;

    @BeforeEach
    void copyResults() throws Exception {
        results = folder.resolve("results.json");
        try (InputStream in = BenchPlotTest.class.getResourceAsStream("plot.json")) {
            Files.copy(in, results);
        }
    }

    /// A machine without fonts cannot measure a text.
    private static boolean hasFonts() {
        System.setProperty("java.awt.headless", "true");
        try {
            return GraphicsEnvironment.getLocalGraphicsEnvironment().getAvailableFontFamilyNames().length > 0;
        } catch (LinkageError | InternalError | RuntimeException e) {
            return false;
        }
    }

    private Path plot(Path... files) throws Exception {
        Path svg = folder.resolve("plot.svg");
        BenchPlot.main(Stream.concat(Stream.of(files), Stream.of(svg)).map(Path::toString).toArray(String[]::new));
        return svg;
    }

    @Test
    void plot_isAnSvgFileOfFourPanels() throws Exception {
        assumeTrue(hasFonts(), "this machine has no fonts");
        var factory = DocumentBuilderFactory.newInstance();
        factory.setFeature("http://apache.org/xml/features/nonvalidating/load-external-dtd", false);
        Element svg = factory.newDocumentBuilder().parse(plot(results).toFile()).getDocumentElement();
        assertThat(svg.getTagName()).isEqualTo("svg");
        assertThat(svg.getAttribute("viewBox")).isEqualTo("0 0 1280 840");
        assertThat(svg.getElementsByTagName("path").getLength()).as("outlines of texts").isGreaterThan(50);
    }

    @Test
    void linesAreOfOneLevelAndOneSequenceCountOrContext() throws Exception {
        List<XYChart> panels = BenchPlot.panels(PlotPoint.read(List.of(results)));
        assertThat(panels).extracting(XYChart::getTitle)
                .containsExactly("Throughput", "Throughput", "KV cache and compute buffers", "KV cache and compute buffers");
        assertThat(panels).extracting(XYChart::getXAxisTitle)
                .containsExactly("sequences", "tokens of each sequence", "sequences", "tokens of each sequence");
        assertThat(panels.get(0).getSeriesMap()).containsOnlyKeys("low, 128 tokens each", "low, 256 tokens each", "engine, 128 tokens each",
                "engine, 256 tokens each");
        assertThat(panels.get(0).getSeriesMap().get("low, 128 tokens each").getXData()).containsExactly(0, 1, 2);
        // The one row without a rate leaves its neighbour alone in one panel, and has its memory in the other.
        assertThat(panels.get(1).getSeriesMap()).hasSize(5).doesNotContainKey("engine, 4 sequences");
        assertThat(panels.get(3).getSeriesMap()).hasSize(6).containsKey("engine, 4 sequences");
        assertThat(panels.get(3).getSeriesMap().get("engine, 4 sequences").getYData())
                .containsExactly(Math.log(1536 << 10) / Math.log(2), 21);
    }

    @Test
    void resultsThatCannotBePlotted_areRefused() throws Exception {
        assertThatIllegalArgumentException().isThrownBy(() -> plot(results, results)).withMessageContaining("a second row of level low, 1 sequences");
        Path other = Files.writeString(folder.resolve("other.json"), "[{\"level\": \"low\", \"avg_ts\": 1}]");
        assertThatIllegalArgumentException().isThrownBy(() -> plot(other)).withMessageContaining("without 'pl'");
        Path none = Files.writeString(folder.resolve("none.json"), "[]");
        assertThatIllegalArgumentException().isThrownBy(() -> plot(none)).withMessageContaining("no two of 0 rows");
    }
}
