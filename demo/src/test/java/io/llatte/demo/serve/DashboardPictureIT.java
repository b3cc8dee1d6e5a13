package io.llatte.demo.serve;

import static com.microsoft.playwright.assertions.PlaywrightAssertions.assertThat;
import static org.assertj.core.api.Assertions.assertThat;

import com.microsoft.playwright.Page;
import com.microsoft.playwright.options.FilePayload;
import io.llatte.demo.TestModel;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;

/// Pictures in the dashboard's chat, where the model has a projector and where it has none.
class DashboardPictureIT {

    private static FilePayload picture() throws Exception {
        var bytes = new ByteArrayOutputStream();
        ImageIO.write(new BufferedImage(64, 48, BufferedImage.TYPE_INT_RGB), "png", bytes);
        return new FilePayload("cup.png", "image/png", bytes.toByteArray());
    }

    @Test
    void modelWithEyes_isShownWhatIsAttached() throws Exception {
        ServerFixture.Builder builder = ServerFixture.builder();
        builder.engine.projector(Path.of(TestModel.tiny("mmproj-mlp-1.gguf")));
        try (TestBrowser browser = TestBrowser.start(); ServerFixture server = builder.start().load(ServerFixture.FIRST)) {
            Page page = browser.page();
            List<String> asked = new ArrayList<>();
            page.onRequest(request -> {
                if (request.url().endsWith("/v1/chat/completions")) {
                    asked.add(request.postData());
                }
            });
            page.navigate(server.uri("/").toString());
            assertThat(page.locator("#chat-attach")).isVisible();
            page.locator("#chat-file").setInputFiles(picture());
            assertThat(page.locator("#chat-images img")).hasCount(1);
            assertThat(TestBrowser.barriers(page)).isEmpty();
            page.locator("#chat-settings summary").click();
            page.locator("#chat-max_tokens").fill("8");
            page.locator("#chat-input").fill("What is it?");
            page.locator("#chat-input").press("Enter");
            assertThat(page.locator("#chat-figures")).containsText("tokens/s");
            assertThat(page.locator("#chat-log .turn[data-role=user] img")).hasCount(1);
            assertThat(page.locator("#chat-images img")).hasCount(0);
            assertThat(asked).singleElement().asString().contains("data:image/png;base64,");
            assertThat(browser.complaints()).isEmpty();
        }
    }

    @Test
    void modelWithoutEyes_takesNone() {
        try (TestBrowser browser = TestBrowser.start(); ServerFixture server = ServerFixture.builder().start().load(ServerFixture.FIRST)) {
            Page page = browser.page();
            page.navigate(server.uri("/").toString());
            assertThat(page.locator("local-llm-widget .badge")).hasText("idle");
            assertThat(page.locator("#chat-attach")).isHidden();
        }
    }
}
