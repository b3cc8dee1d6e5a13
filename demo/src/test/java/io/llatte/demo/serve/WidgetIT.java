package io.llatte.demo.serve;

import static org.assertj.core.api.Assertions.assertThat;

import com.microsoft.playwright.Page;
import com.microsoft.playwright.Route;
import com.sun.net.httpserver.HttpServer;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// `<local-llm-widget>` alone, in a page that knows nothing else of Llatte, asked by a clock that stands still until it is moved.
class WidgetIT {

    /// The page answers for the runtime: `said` is what it says, and `calls` is what it was asked.
    private static final String HTML = """
            <!doctype html><html lang="en"><title>A page</title><body><main><h1>A page</h1>
            <script type="module">
              window.calls = { status: 0, load: 0, unload: 0, subscribe: 0, unsubscribe: 0 };
              window.told = [];
              window.said = { state: 'disabled', model: null, progress: 1, memory: [], lastActivity: null, error: null };
              for (const name of ['loading', 'progress', 'ready', 'error']) {
                document.addEventListener('local-llm:' + name, (event) => told.push({ name, ...event.detail }));
              }
              window.asking = {
                status: async () => { calls.status++; return { ...window.said }; },
                load: async () => { calls.load++; if (window.refusal) { throw Object.assign(new Error(window.refusal), { remediation: 'Do better.' }); } },
                unload: async () => { calls.unload++; },
              };
              window.streaming = { ...asking, subscribe: (onStatus, onDown) => {
                calls.subscribe++;
                Object.assign(window, { onStatus, onDown });
                return () => { calls.unsubscribe++; };
              } };
              window.module = await import('/assets/local-llm-widget.js');
              await import('/assets/local-llm-widget.js?again');    // A second copy of the module must not define it twice.
              window.widget = document.createElement('local-llm-widget');
              document.querySelector('main').append(widget);
              window.isReady = true;
            </script></main>""";

    private static ServerFixture server;
    private static TestBrowser browser;
    private Page page;

    @BeforeAll
    static void start() {
        browser = TestBrowser.start();
        server = ServerFixture.builder().start();
    }

    @AfterAll
    static void stop() {
        if (browser != null) {
            browser.close();
            server.close();
        }
    }

    @BeforeEach
    void open() {
        page = browser.page();
        page.route("**/page.html", route -> route.fulfill(new Route.FulfillOptions().setContentType("text/html").setBody(HTML)));
        page.clock().install();
        page.clock().pauseAt(4_102_444_800_000L);
        page.navigate(server.uri("/page.html").toString());
        page.waitForFunction("() => window.isReady === true");
    }

    @AfterEach
    void nothingWentWrong() {
        page.context().close();
        assertThat(browser.complaints()).isEmpty();
    }

    private void api(String name) {
        page.evaluate("name => { widget.moduleApi = window[name]; }", name);
    }

    /// What the runtime says from now on.
    private void status(String json) {
        page.evaluate("json => { window.said = { memory: [], progress: 1, error: null, lastActivity: null, model: null, ...JSON.parse(json) }; }", json);
    }

    private void push(String json) {
        status(json);
        page.evaluate("() => onStatus({ ...window.said })");
    }

    private void elapse(long millis) {
        page.clock().runFor(millis);
        // Promises are no timers.
        page.evaluate("async () => { for (let i = 0; i < 10; i++) { await null; } }");
    }

    private int calls(String name) {
        return ((Number) page.evaluate("name => calls[name]", name)).intValue();
    }

    private int statusCallsWithin(long millis) {
        int before = calls("status");
        for (long step = 0; step < millis; step += 100) {
            elapse(100);
        }
        return calls("status") - before;
    }

    @SuppressWarnings("unchecked")
    private Map<String, Object> shown() {
        return (Map<String, Object>) page.evaluate("() => widget.getStatus()");
    }

    @SuppressWarnings("unchecked")
    private List<String> controls() {
        return (List<String>) page.evaluate("() => widget.getControls().map(control => control.label)");
    }

    @SuppressWarnings("unchecked")
    private List<String> told() {
        return (List<String>) page.evaluate("() => told.map(each => each.name)");
    }

    /// The rules' own clock must not stand still.
    private List<String> barriers() {
        page.clock().resume();
        return TestBrowser.barriers(page);
    }

    private String shadow(String selector) {
        return page.locator("local-llm-widget " + selector).textContent();
    }

    // ---- the module

    @Test
    void module_tellsWhatItIs() {
        assertThat(page.evaluate("() => ({ ...module.default })")).isEqualTo(Map.of("element", "local-llm-widget", "displayName", "Local LLM", "icon", "🦙",
                "category", "AI"));
        assertThat(page.evaluate("() => module.element === module.default.element && widget.shadowRoot.mode")).isEqualTo("open");
        assertThat(barriers()).isEmpty();
    }

    // ---- states

    @ParameterizedTest
    @CsvSource(delimiter = '|', nullValues = "null", quoteCharacter = '`', textBlock = """
            {"state":"disabled"}                                                                    | disabled | Not loaded | 0% loaded  | null             | ⚡ Load Model
            {"state":"loading","model":"m","progress":0.62}                                         | loading  | m          | 62% loaded | Loading model... | null
            {"state":"loading","model":null,"progress":0}                                           | loading  | Not loaded | 0% loaded  | Loading model... | null
            {"state":"idle","model":"m","memory":[{"type":"GPU","totalBytes":100,"freeBytes":57,"weightsBytes":40,"kvCacheUsedBytes":0,"kvCacheReservedBytes":0,"computeBytes":0}]} | idle | m | GPU: 43% | null | ⛶ Unload Model
            {"state":"active","model":"m","memory":[{"type":"CPU","totalBytes":100,"freeBytes":80,"weightsBytes":0,"kvCacheUsedBytes":0,"kvCacheReservedBytes":0,"computeBytes":0}]} | active | m | CPU: 20% | null | null
            {"state":"error","error":{"message":"no such file","remediation":"Get it.","model":"m"}} | error    | Not loaded | 0% loaded  | Error: no such file | ⚡ Load Model
            """)
    void states(String status, String state, String primary, String secondary, String message, String control) {
        status(status);
        api("asking");
        elapse(1);
        Map<String, Object> shown = shown();
        assertThat(shown).containsOnlyKeys("state", "primaryMetric", "secondaryMetric", "lastActivity", "message");
        assertThat(shown).containsEntry("state", state).containsEntry("primaryMetric", primary).containsEntry("secondaryMetric", secondary)
                .containsEntry("message", message).containsEntry("lastActivity", null);
        assertThat(controls()).isEqualTo(control == null ? List.of() : List.of(control));
        assertThat(shadow(".badge")).isEqualTo(state);
        assertThat(shadow(".primary")).isEqualTo(primary);
        assertThat(shadow(".secondary")).isEqualTo(secondary);
        assertThat(page.locator("local-llm-widget button[data-control]").allTextContents()).isEqualTo(controls());
        assertThat(barriers()).isEmpty();
    }

    @Test
    void lastActivity_isATime() {
        status("{\"state\": \"idle\", \"model\": \"m\", \"lastActivity\": 1700000000000}");
        api("asking");
        elapse(1);
        assertThat(((Number) shown().get("lastActivity")).longValue()).isEqualTo(1_700_000_000_000L);
    }

    @Test
    void controls_callTheRuntime() {
        api("asking");
        elapse(1);
        page.locator("local-llm-widget button[data-control=load]").click();
        assertThat(calls("load")).isEqualTo(1);
        status("{\"state\": \"idle\", \"model\": \"m\"}");
        elapse(5000);
        page.locator("local-llm-widget button[data-control=unload]").click();
        assertThat(calls("unload")).isEqualTo(1);
    }

    @Test
    void aLoadIsTold() {
        api("streaming");
        push("{\"state\": \"disabled\"}");
        push("{\"state\": \"loading\", \"model\": \"m\", \"progress\": 0.1}");
        push("{\"state\": \"loading\", \"model\": \"m\", \"progress\": 0.1}");
        push("{\"state\": \"loading\", \"model\": \"m\", \"progress\": 0.9}");
        push("{\"state\": \"idle\", \"model\": \"m\"}");
        push("{\"state\": \"active\", \"model\": \"m\"}");
        push("{\"state\": \"idle\", \"model\": \"m\"}");
        assertThat(told()).containsExactly("loading", "progress", "progress", "ready");
        push("{\"state\": \"loading\", \"model\": \"n\", \"progress\": 0}");
        push("{\"state\": \"error\", \"error\": {\"message\": \"broken\", \"remediation\": \"Mend it.\", \"model\": \"n\"}}");
        assertThat(told()).endsWith("loading", "progress", "error");
        assertThat(shadow(".toast")).contains("broken", "Mend it.");
        page.locator("local-llm-widget .toast button").click();
        assertThat(page.locator("local-llm-widget .toast").count()).isZero();
    }

    @Test
    void refusedLoad_isToldAndToasted() {
        api("asking");
        elapse(1);
        page.evaluate("() => { window.refusal = 'no room'; }");
        page.locator("local-llm-widget button[data-control=load]").click();
        page.locator("local-llm-widget .toast").waitFor();
        assertThat(shadow(".toast")).contains("no room", "Do better.");
        assertThat(told()).containsExactly("error");
    }

    // ---- asking

    @Test
    void asking_isEvery5SecondsWhileIdleAndEvery500MillisecondsWhileLoading() {
        api("asking");
        assertThat(statusCallsWithin(100)).as("at once").isEqualTo(1);
        assertThat(statusCallsWithin(20_000)).isEqualTo(4);
        status("{\"state\": \"loading\", \"model\": \"m\", \"progress\": 0.5}");
        assertThat(statusCallsWithin(5000)).as("the last of the idle ones, and the first of the others").isBetween(1, 2);
        assertThat(statusCallsWithin(5000)).isEqualTo(10);
        status("{\"state\": \"idle\", \"model\": \"m\"}");
        statusCallsWithin(500);
        assertThat(statusCallsWithin(20_000)).isEqualTo(4);
    }

    @Test
    void aClickOnLoad_asksAtOnce() {
        api("asking");
        elapse(1);
        status("{\"state\": \"loading\", \"model\": \"m\", \"progress\": 0}");
        page.locator("local-llm-widget button[data-control=load]").click();
        assertThat(statusCallsWithin(100)).isEqualTo(1);
        assertThat(statusCallsWithin(1000)).isEqualTo(2);
    }

    @Test
    void stream_needsNoAsking() {
        api("streaming");
        assertThat(calls("subscribe")).isEqualTo(1);
        push("{\"state\": \"idle\", \"model\": \"m\"}");
        assertThat(statusCallsWithin(30_000)).isZero();
        page.evaluate("() => onDown(new Error('gone'))");
        assertThat(statusCallsWithin(100)).as("the stream is down").isEqualTo(1);
        assertThat(statusCallsWithin(10_000)).isEqualTo(2);
        push("{\"state\": \"idle\", \"model\": \"m\"}");
        assertThat(statusCallsWithin(30_000)).as("it is back").isZero();
    }

    @Test
    void hiddenPage_asksNothing() {
        api("asking");
        elapse(1);
        hide(true);
        assertThat(statusCallsWithin(60_000)).isZero();
        hide(false);
        assertThat(statusCallsWithin(100)).isEqualTo(1);
        api("streaming");
        hide(true);
        assertThat(calls("unsubscribe")).isEqualTo(1);
        hide(false);
        assertThat(calls("subscribe")).isEqualTo(2);
    }

    private void hide(boolean hidden) {
        page.evaluate("hidden => { Object.defineProperty(document, 'hidden', { configurable: true, value: hidden });"
                + " document.dispatchEvent(new Event('visibilitychange')); }", hidden);
    }

    @Test
    void elementThatIsTakenOut_asksNothingAndHearsNothing() {
        api("asking");
        elapse(1);
        page.evaluate("() => widget.remove()");
        assertThat(statusCallsWithin(60_000)).isZero();
        hide(true);
        hide(false);
        assertThat(statusCallsWithin(10_000)).as("it no longer listens to the page").isZero();
        page.evaluate("() => document.querySelector('main').append(widget)");
        assertThat(statusCallsWithin(100)).as("it is back").isEqualTo(1);

        api("streaming");
        page.evaluate("() => widget.remove()");
        assertThat(calls("unsubscribe")).isEqualTo(1);
    }

    // ---- another page

    @Test
    void pageOfAnotherOrigin_showsItWhereThatIsAllowed() throws Exception {
        String html = """
                <!doctype html><html lang="en"><title>Elsewhere</title><local-llm-widget></local-llm-widget><script type="module">
                  import '%1$s/assets/local-llm-widget.js';
                  import { createLlatteApi } from '%1$s/assets/llatte-api.js';
                  document.querySelector('local-llm-widget').moduleApi = createLlatteApi({ baseUrl: '%1$s' });
                </script>""";
        HttpServer other = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        String origin = "http://127.0.0.1:" + other.getAddress().getPort();
        try (ServerFixture allowing = ServerFixture.builder().origins(origin).start().load(ServerFixture.FIRST)) {
            byte[] body = html.formatted(allowing.uri("")).getBytes(StandardCharsets.UTF_8);
            other.createContext("/", exchange -> {
                exchange.getResponseHeaders().add("Content-Type", "text/html");
                exchange.sendResponseHeaders(200, body.length);
                exchange.getResponseBody().write(body);
                exchange.close();
            });
            other.start();
            Page elsewhere = browser.page();
            elsewhere.navigate(origin + "/");
            elsewhere.locator("local-llm-widget .badge[data-state=idle]").waitFor();
            elsewhere.locator("local-llm-widget button[data-control=unload]").click();
            elsewhere.locator("local-llm-widget .badge[data-state=disabled]").waitFor();
            elsewhere.context().close();
        } finally {
            other.stop(0);
        }
    }
}
