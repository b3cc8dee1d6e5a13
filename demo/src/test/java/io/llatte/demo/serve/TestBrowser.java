package io.llatte.demo.serve;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.deque.html.axecore.playwright.AxeBuilder;
import com.deque.html.axecore.results.Rule;
import com.microsoft.playwright.Browser;
import com.microsoft.playwright.BrowserType;
import com.microsoft.playwright.Page;
import com.microsoft.playwright.Playwright;
import java.io.File;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/// The machine's own Chromium, without a window. Tests are skipped where there is none.
final class TestBrowser implements AutoCloseable {

    private static final List<String> NAMES = List.of("chromium", "chromium-browser", "google-chrome", "chrome");

    private final Playwright playwright;
    private final Browser browser;
    private final List<String> complaints = new ArrayList<>();

    private TestBrowser(Path executable) {
        playwright = Playwright.create(new Playwright.CreateOptions().setEnv(Map.of("PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD", "1")));
        // The sandbox does not run as root, as whom containers run their tests.
        browser = playwright.chromium().launch(new BrowserType.LaunchOptions().setExecutablePath(executable).setArgs(List.of("--no-sandbox")));
    }

    static TestBrowser start() {
        Optional<Path> executable = executable();
        assumeTrue(executable.isPresent(), () -> "no browser: none of " + NAMES + " is on the PATH");
        return new TestBrowser(executable.get());
    }

    private static Optional<Path> executable() {
        List<Path> folders = Arrays.stream(System.getenv().getOrDefault("PATH", "").split(File.pathSeparator)).filter(each -> !each.isBlank()).map(Path::of).toList();
        return NAMES.stream().flatMap(name -> folders.stream().flatMap(folder -> Stream.of(folder.resolve(name), folder.resolve(name + ".exe"))))
                .filter(Files::isExecutable).findFirst();
    }

    /// A page of its own, as of a first visit. What goes wrong in it, and whatever it asks of another host, is in [#complaints()].
    Page page(Browser.NewContextOptions options) {
        Page page = browser.newContext(options).newPage();
        page.setDefaultTimeout(60_000);
        page.onPageError(complaints::add);
        page.onConsoleMessage(message -> {
            if (message.type().equals("error") && !message.text().contains("Failed to load resource")) {
                complaints.add(message.text());
            }
        });
        page.onRequest(request -> {
            String host = URI.create(request.url().replaceFirst("^(blob|data):.*", "http://127.0.0.1")).getHost();
            if (!"127.0.0.1".equals(host)) {
                complaints.add("asked another host: " + request.url());
            }
        });
        return page;
    }

    Page page() {
        return page(new Browser.NewContextOptions());
    }

    /// What came since it was asked for the last time.
    List<String> complaints() {
        List<String> since = List.copyOf(complaints);
        complaints.clear();
        return since;
    }

    /// What keeps people from using a page, by the rules of axe.
    static List<String> barriers(Page page) {
        return new AxeBuilder(page).analyze().getViolations().stream().map(TestBrowser::describe).toList();
    }

    private static String describe(Rule rule) {
        return "%s: %s %s".formatted(rule.getId(), rule.getHelp(), rule.getNodes().stream().map(node -> node.getHtml() + " " + node.getFailureSummary()).toList());
    }

    @Override
    public void close() {
        playwright.close();
    }
}
