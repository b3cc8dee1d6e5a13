package io.llatte.demo.serve;

import static com.microsoft.playwright.assertions.PlaywrightAssertions.assertThat;
import static org.assertj.core.api.Assertions.assertThat;

import com.microsoft.playwright.Browser;
import com.microsoft.playwright.Locator;
import com.microsoft.playwright.Page;
import com.microsoft.playwright.assertions.LocatorAssertions;
import com.microsoft.playwright.options.ColorScheme;
import io.llatte.demo.TestModel;
import io.llatte.model.CatalogModel;
import io.llatte.model.ModelCatalog;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;

/// The dashboard in a browser, from the first visit on: one story, whose parts follow each other. Its pictures are in `target/screenshots`.
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class DashboardIT {

    private static final Path PICTURES = Path.of("target/screenshots");
    private static final String OTHER = "tool-caller";
    private static final LocatorAssertions.ContainsTextOptions SLOWLY = new LocatorAssertions.ContainsTextOptions().setTimeout(120_000);

    /// Writes down what an element shows, each time it changes.
    private static final String RECORD = """
            ([selector, read]) => {
              const seen = window.seen = [];
              const look = () => {
                const now = read === 'text' ? document.querySelector(selector).textContent
                  : [...document.querySelectorAll(selector)].reduce((sum, each) => sum + Number(each.dataset.bytes), 0);
                if (seen.at(-1) !== now) { seen.push(now); }
              };
              look();
              window.observer?.disconnect();
              window.observer = new MutationObserver(look);
              window.observer.observe(document.body, { subtree: true, childList: true, characterData: true, attributes: true });
            }""";
    private static final String WEIGHTS = "#memory .bar > [data-kind=weights]";

    private static TestBrowser browser;
    private static ServerFixture server;
    private static ModelHost host;
    private static CatalogModel first;
    private static Page page;

    @BeforeAll
    static void start() throws Exception {
        Path real = Path.of(TestModel.real());
        browser = TestBrowser.start();
        host = new ModelHost(real, 100 << 20);
        first = host.source(ModelCatalog.builtIn().defaultModel());
        server = ServerFixture.builder().catalog(first, TestModel.callingTools(OTHER)).online().copy(real, OTHER + ".gguf").start();
        page = browser.page(new Browser.NewContextOptions().setViewportSize(1280, 900));
    }

    @AfterAll
    static void stop() {
        if (server != null) {
            browser.close();
            server.close();
            host.close();
        }
    }

    @AfterEach
    void nothingWentWrong() {
        assertThat(browser.complaints()).isEmpty();
        assertThat(TestBrowser.barriers(page)).isEmpty();
    }

    private static Locator badge() {
        return page.locator("local-llm-widget .badge");
    }

    @SuppressWarnings("unchecked")
    private static <T> List<T> seen() {
        return (List<T>) page.evaluate("() => seen");
    }

    private static void picture(Page from, String name, boolean whole) {
        from.screenshot(new Page.ScreenshotOptions().setPath(PICTURES.resolve(name + ".png")).setFullPage(whole));
    }

    private static Locator row(String model) {
        return page.locator("#models li[data-model='%s']".formatted(model));
    }

    @Test
    @Order(1)
    void firstVisit_showsThatNothingIsLoaded() {
        page.navigate(server.uri("/").toString());
        assertThat(badge()).hasText("disabled");
        assertThat(page.locator("local-llm-widget .primary")).hasText("Not loaded");
        assertThat(page.locator("#memory .device")).not().hasCount(0);
    }

    @Test
    @Order(2)
    void load_downloadsVerifiesAndLoads_andShowsHowFar() {
        page.evaluate(RECORD, List.of("#progress-text", "text"));
        page.evaluate("() => { window.told = []; for (const name of ['loading', 'progress', 'ready', 'error']) {"
                + " document.addEventListener('local-llm:' + name, () => told.at(-1) === name || told.push(name)); } }");
        page.locator("local-llm-widget button[data-control=load]").click();
        assertThat(page.locator("#progress")).isVisible();
        assertThat(badge()).hasText("loading");
        assertThat(badge()).containsText("idle", SLOWLY);
        List<String> texts = seen();
        assertThat(texts).anySatisfy(text -> assertThat(text).containsPattern("(?i)download.* of .*/s"));
        assertThat(texts).anySatisfy(text -> assertThat(text).containsIgnoringCase("verif"));
        assertThat(texts).anySatisfy(text -> assertThat(text).containsIgnoringCase("load"));
        assertThat(page.evaluate("() => told")).isEqualTo(List.of("loading", "progress", "ready"));
        assertThat(page.locator("#progress")).isHidden();
        assertThat(page.locator("local-llm-widget .primary")).hasText(first.name());
        assertThat(page.locator("local-llm-widget .secondary")).hasText(Pattern.compile("CPU: [0-9]+%"));
    }

    @Test
    @Order(3)
    void chat_streams() {
        page.evaluate(RECORD, List.of("#chat-log", "text"));
        page.locator("#chat-input").fill("What is a latte made of?");
        page.locator("#chat-input").press("Enter");
        Locator answer = page.locator("#chat-log .turn[data-role=assistant]");
        assertThat(page.locator("#chat-figures")).containsText("tokens/s", SLOWLY);
        assertThat(page.locator("#chat-send")).isVisible();
        assertThat(answer.textContent()).isNotBlank();
        assertThat(DashboardIT.<String>seen()).as("each change of the answer").hasSizeGreaterThan(3);
        assertThat(page.locator("#statistics dd[data-statistic=requests]")).hasText("1");
    }

    @Test
    @Order(4)
    void pictures_forTheDocs() {
        assertThat(badge()).hasText("idle");
        picture(page, "dashboard-light", true);
        for (ColorScheme scheme : List.of(ColorScheme.LIGHT, ColorScheme.DARK)) {
            for (int width : new int[] {1280, 390, 320}) {
                Page other = browser.page(new Browser.NewContextOptions().setViewportSize(width, 844).setColorScheme(scheme));
                other.navigate(server.uri("/").toString());
                other.evaluate("chat => localStorage.setItem('llatte.chat', chat)", page.evaluate("() => localStorage.getItem('llatte.chat')"));
                other.reload();
                assertThat(other.locator("local-llm-widget .badge")).hasText("idle");
                assertThat(other.locator("#models li").first()).isVisible();
                assertThat(TestBrowser.barriers(other)).as("%s, %d", scheme, width).isEmpty();
                assertThat(((Number) other.evaluate("() => document.documentElement.scrollWidth")).intValue()).as("scrolls sideways").isLessThanOrEqualTo(width);
                if (width == 390 && scheme == ColorScheme.LIGHT) {
                    picture(other, "dashboard-phone", false);
                } else if (width == 1280 && scheme == ColorScheme.DARK) {
                    picture(other, "dashboard-dark", true);
                }
                other.context().close();
            }
        }
    }

    @Test
    @Order(5)
    void stop_endsAnAnswer_andRegenerateMakesAnother() {
        page.locator("#chat-settings summary").click();
        page.locator("#chat-max_tokens").fill("3000");
        page.locator("#chat-settings summary").click();
        page.locator("#chat-input").fill("Tell a very long story.");
        page.locator("#chat-send").click();
        Locator answers = page.locator("#chat-log .turn[data-role=assistant]");
        assertThat(answers).hasCount(2);
        page.locator("#chat-stop").click();
        assertThat(page.locator("#chat-send")).isVisible();
        page.locator("#chat-max_tokens").evaluate("input => { input.value = 16; input.dispatchEvent(new Event('change', { bubbles: true })); }");
        page.locator("#chat-regenerate").click();
        assertThat(page.locator("#chat-send")).isVisible();
        assertThat(answers).hasCount(2);
        page.reload();
        assertThat(answers).hasCount(2);
    }

    @Test
    @Order(6)
    void markdown_isShownSafely() {
        page.evaluate("() => localStorage.setItem('llatte.chat', JSON.stringify({ settings: {}, turns: [{ role: 'user', text: 'Show me how.' },"
                + " { role: 'assistant', text: '# Latte\\n\\n| part | share |\\n|---|---|\\n| espresso | 1/3 |\\n| milk | 2/3 |\\n\\n```java\\nIO.println(\"latte\");\\n```\\n"
                + "<img src=x onerror=\"window.hacked=1\"><script>window.hacked=1</script>[a](javascript:window.hacked=1)' }] }))");
        page.reload();
        assertThat(page.locator("#chat-log table td")).hasCount(4);
        assertThat(page.locator("#chat-log pre code")).containsText("IO.println");
        assertThat(page.locator("#chat-log script, #chat-log img, #chat-log a[href^=javascript]")).hasCount(0);
        assertThat(page.evaluate("() => window.hacked")).isNull();
    }

    @Test
    @Order(7)
    void keyboard_reachesEverythingAndAnswersAPlan() {
        page.locator("body").press("Tab");
        assertThat(page.evaluate("() => document.activeElement.className")).isEqualTo("skip");
        row(OTHER).locator(".choose").focus();
        page.keyboard().press("Enter");
        assertThat(row(OTHER).locator(".confirm")).isFocused();
        page.keyboard().press("Escape");
        assertThat(row(OTHER).locator(".plan")).hasCount(0);
        assertThat(row(OTHER).locator(".choose")).isFocused();
    }

    @Test
    @Order(8)
    void switch_isOneClick_showsItsPlanBefore_andItsMemoryFallsAndRises() {
        row(OTHER).locator(".choose").click();
        assertThat(row(OTHER).locator(".plan [data-planned=CPU]")).containsText("weights");
        assertThat(row(OTHER).locator(".evicts")).containsText("goes first and gives back");
        picture(page, "dashboard-plan", true);
        page.evaluate(RECORD, List.of(WEIGHTS, "bytes"));
        row(OTHER).locator(".confirm").click();
        assertThat(page.locator("local-llm-widget .primary")).containsText("Tool caller", SLOWLY);
        assertThat(badge()).containsText("idle", SLOWLY);
        List<Long> weights = DashboardIT.<Number>seen().stream().map(Number::longValue).toList();
        long least = weights.stream().mapToLong(each -> each).min().orElseThrow();
        assertThat(weights.getFirst()).as("before: %s", weights).isGreaterThan(200_000_000);
        assertThat(least).as("falls: %s", weights).isLessThan(100_000_000);
        assertThat(weights.getLast()).as("rises: %s", weights).isGreaterThan(200_000_000);
        assertThat(weights).as("never both").allSatisfy(each -> assertThat(each).isLessThan(400_000_000));
        assertThat(page.locator("#timeline li[data-kind=switching]").first()).containsText(OTHER);
        assertThat(page.locator("#timeline li[data-kind=ready]").first()).containsText(OTHER);
        assertThat(page.locator("#timeline li[data-kind=unloaded]").first()).containsText(first.id());
    }

    @Test
    @Order(9)
    void unload_givesAllBack() {
        page.evaluate(RECORD, List.of(WEIGHTS, "bytes"));
        page.locator("local-llm-widget button[data-control=unload]").click();
        assertThat(badge()).hasText("disabled");
        assertThat(page.locator("local-llm-widget .primary")).hasText("Not loaded");
        page.waitForFunction("() => seen.at(-1) === 0");
    }

    @Test
    @Order(10)
    void failedLoad_showsWhatToDo_andCanBeTriedAgain() throws Exception {
        Path file = server.folder().resolve("broken.gguf");
        byte[] whole = Files.readAllBytes(Path.of(TestModel.tiny()));
        Files.write(file, java.util.Arrays.copyOf(whole, whole.length / 2));
        page.reload();
        row("broken.gguf").locator(".choose").click();
        row("broken.gguf").locator(".confirm").click();
        assertThat(page.locator("#error-message")).not().isEmpty();
        assertThat(page.locator("#error-remediation")).containsText("download it again");
        assertThat(page.locator("local-llm-widget .toast")).containsText("download it again");
        assertThat(badge()).hasText("error");
        picture(page, "dashboard-error", true);
        page.locator("local-llm-widget .toast button").click();

        Files.write(file, whole);
        page.locator("#retry").click();
        assertThat(badge()).hasText("idle");
        assertThat(page.locator("local-llm-widget .primary")).hasText("broken.gguf");
        assertThat(page.locator("#error")).isHidden();
    }

    @Test
    @Order(11)
    void serverThatGoes_isNoticed() {
        assertThat(badge()).hasText("idle");
        page.route("**/api/**", route -> route.abort());
        page.reload();
        assertThat(badge()).hasText("disabled");
        page.unroute("**/api/**");
        assertThat(badge()).containsText("idle", SLOWLY);
    }
}
