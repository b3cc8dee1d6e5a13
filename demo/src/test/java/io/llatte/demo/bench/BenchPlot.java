package io.llatte.demo.bench;

import static java.nio.charset.StandardCharsets.UTF_8;

import de.erichseifert.vectorgraphics2d.VectorGraphics2D;
import de.erichseifert.vectorgraphics2d.svg.SVGProcessor;
import de.erichseifert.vectorgraphics2d.util.PageSize;
import java.awt.Color;
import java.awt.Graphics2D;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.function.Function;
import java.util.function.ToIntFunction;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.XYChartBuilder;
import org.knowm.xchart.style.Styler;

/// Draws throughput and memory over the number of sequences and over their context, of what `llatte bench --parallel … -o json` printed.
///
/// A line joins the points of one level that differ in nothing but what the panel is over; a panel without such a line is left out.
public final class BenchPlot {

    private static final int WIDTH = 640;
    private static final int HEIGHT = 420;
    private static final Pattern FINE = Pattern.compile("(\\d\\.\\d\\d)\\d+(?![\\dE])");
    private static final double LOG_2 = Math.log(2);
    private static final List<String> UNITS = List.of("B", "KiB", "MiB", "GiB", "TiB");

    private BenchPlot() {
    }

    /// Arguments: files with results, and last the SVG file to write.
    public static void main(String... args) throws IOException {
        if (args.length < 2) {
            throw new IllegalArgumentException("which files? RESULTS.json... PLOT.svg");
        }
        System.setProperty("java.awt.headless", "true");
        List<Path> files = Stream.of(args).map(Path::of).toList();
        write(PlotPoint.read(files.subList(0, files.size() - 1)), files.getLast());
    }

    /// @throws IllegalArgumentException if there is no line to draw
    static void write(List<PlotPoint> points, Path file) throws IOException {
        List<XYChart> panels = panels(points);
        if (panels.isEmpty()) {
            throw new IllegalArgumentException("no two of %d rows differ in nothing but the number of sequences or the context"
                    .formatted(points.size()));
        }
        var page = new VectorGraphics2D();
        paint(panels, page);
        var size = new PageSize(0, 0, Math.min(panels.size(), 2) * WIDTH, Math.ceilDiv(panels.size(), 2) * HEIGHT);
        var svg = new ByteArrayOutputStream();
        new SVGProcessor().getDocument(page.getCommands(), size).writeTo(svg);
        // Texts are outlines: a hundredth of a pixel is fine enough, and makes the file smaller.
        Files.writeString(file, FINE.matcher(svg.toString(UTF_8)).replaceAll("$1"));
    }

    static void paint(List<XYChart> panels, Graphics2D page) {
        for (int i = 0; i < panels.size(); i++) {
            var panel = (Graphics2D) page.create();
            panel.translate(i % 2 * WIDTH, i / 2 * HEIGHT);
            panels.get(i).paint(panel, WIDTH, HEIGHT);
            panel.dispose();
        }
    }

    /// What a panel shows.
    private record Quantity(String title, String unit, Function<PlotPoint, OptionalDouble> of) {
    }

    /// What it is shown over, and what then stays the same along a line.
    private record Axis(String title, ToIntFunction<PlotPoint> of, Function<PlotPoint, String> line) {
    }

    /// Those that have a line.
    static List<XYChart> panels(List<PlotPoint> points) {
        // Memory is as good as proportional to both, so that only logarithms show more than the last point.
        var rate = new Quantity("Throughput", "tokens/s", PlotPoint::tokensPerSecond);
        var memory = new Quantity("KV cache and compute buffers", "", point -> OptionalDouble.of(logarithm(point.bytes())));
        var sequences = new Axis("sequences", PlotPoint::sequences, point -> "%s, %d tokens each".formatted(point.level(), point.context()));
        var context = new Axis("tokens of each sequence", PlotPoint::context,
                point -> "%s, %d sequences".formatted(point.level(), point.sequences()));
        List<XYChart> rates = List.of(panel(points, rate, sequences), panel(points, rate, context));
        rates.forEach(chart -> chart.getStyler().setYAxisMin(0.0));
        List<XYChart> memories = List.of(panel(points, memory, sequences), panel(points, memory, context));
        memories.forEach(chart -> chart.setCustomYAxisTickLabelsFormatter(power -> bytes(Math.pow(2, power))));
        return Stream.of(rates, memories).flatMap(List::stream).filter(chart -> !chart.getSeriesMap().isEmpty()).toList();
    }

    private static XYChart panel(List<PlotPoint> points, Quantity quantity, Axis axis) {
        XYChart chart = new XYChartBuilder().width(WIDTH).height(HEIGHT).title(quantity.title()).xAxisTitle(axis.title())
                .yAxisTitle(quantity.unit()).theme(Styler.ChartTheme.Matlab).build();
        chart.getStyler().setChartBackgroundColor(Color.WHITE).setLegendPosition(Styler.LegendPosition.OutsideS)
                .setLegendLayout(Styler.LegendLayout.Horizontal);
        chart.setCustomXAxisTickLabelsFormatter(power -> String.valueOf(Math.round(Math.pow(2, power))));
        Map<String, List<PlotPoint>> lines = points.stream().filter(point -> quantity.of().apply(point).isPresent())
                .collect(Collectors.groupingBy(axis.line(), LinkedHashMap::new, Collectors.toList()));
        lines.forEach((name, line) -> {
            List<PlotPoint> sorted = line.stream().sorted(Comparator.comparingInt(axis.of())).toList();
            if (sorted.size() > 1) {
                chart.addSeries(name, sorted.stream().map(point -> logarithm(axis.of().applyAsInt(point))).toList(),
                        sorted.stream().map(point -> quantity.of().apply(point).orElseThrow()).toList());
            }
        });
        return chart;
    }

    private static double logarithm(double value) {
        return Math.log(value) / LOG_2;
    }

    private static String bytes(double value) {
        int unit = Math.clamp((long) (logarithm(value) / 10), 0, UNITS.size() - 1);
        double inUnits = value / Math.pow(1024, unit);
        return String.format(Locale.ROOT, inUnits < 10 && inUnits != Math.rint(inUnits) ? "%.1f %s" : "%.0f %s", inUnits, UNITS.get(unit));
    }
}
