#include "notify/template_text.h"

#include <gtest/gtest.h>

namespace sightline::notify {
namespace {

std::string Fill(std::string_view text) {
  return FillTemplate(text, [](std::string_view name) -> std::optional<std::string> {
    if (name == "service.name") return "checkout";
    if (name == "value") return "{{service.name}}";
    return std::nullopt;
  });
}

TEST(TemplateText, PutsValuesInPlaceOfNames) {
  EXPECT_EQ(Fill("{{service.name}} fails"), "checkout fails");
  EXPECT_EQ(Fill("a {{ service.name }}{{service.name}}"), "a checkoutcheckout");
  EXPECT_EQ(Fill(""), "");
  EXPECT_EQ(Fill("no names"), "no names");
}

TEST(TemplateText, LeavesWhatIsUnknownToBeSeen) {
  EXPECT_EQ(Fill("{{nobody}} and {{service.name}}"), "{{nobody}} and checkout");
  EXPECT_EQ(Fill("{{}}"), "{{}}");
}

TEST(TemplateText, ValuesAreNoTemplates) {
  EXPECT_EQ(Fill("{{value}}"), "{{service.name}}");
}

TEST(TemplateText, TakesOddBraces) {
  EXPECT_EQ(Fill("{{service.name"), "{{service.name");
  EXPECT_EQ(Fill("service.name}}"), "service.name}}");
  EXPECT_EQ(Fill("{{a {{service.name}}"), "{{a checkout");
  EXPECT_EQ(Fill("}}{{service.name}}"), "}}checkout");
  EXPECT_EQ(Fill(R"({"a":{"b":"{{service.name}}"}})"), R"({"a":{"b":"checkout"}})");
}

}  // namespace
}  // namespace sightline::notify
