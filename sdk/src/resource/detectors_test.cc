#include "resource/detectors.h"

#include <gmock/gmock.h>
#include <unistd.h>

#include "common/testing/given_environment.h"
#include "otel/resource.h"

namespace otel::internal {
namespace {

using testing::MatchesRegex;
using testing::StartsWith;

std::string Text(const Attributes& attributes, std::string_view key) {
  const auto value = attributes.Find(key);
  return value && value->type() == AnyValue::Type::kString ? std::string(value->as_string()) : std::string();
}

Attributes Detected(const std::map<std::string, std::string>& variables) {
  return DetectEnvironment(GivenEnvironment(variables).environment());
}

TEST(Detectors, TellTheProcess) {
  const Attributes process = DetectProcess();
  EXPECT_EQ(process.Find("process.pid")->as_int(), getpid());
  EXPECT_EQ(process.Find("process.parent_pid")->as_int(), getppid());
  EXPECT_EQ(Text(process, "process.executable.name"), "sdk_resource_test");
  EXPECT_THAT(Text(process, "process.executable.path"), MatchesRegex("/.*/sdk_resource_test"));
  EXPECT_THAT(Text(process, "process.creation.time"), MatchesRegex("20..-..-..T..:..:..Z"));
  EXPECT_FALSE(process.Find("process.command_args"));
#ifdef __GLIBC__
  EXPECT_EQ(Text(process, "process.runtime.name"), "glibc");
  EXPECT_THAT(Text(process, "process.runtime.version"), MatchesRegex("2\\.[0-9]+"));
#endif
  EXPECT_THAT(Text(process, "process.runtime.description"), StartsWith("C++ compiled by "));
}

TEST(Detectors, TellTheHostAndItsSystem) {
  char name[256];
  ASSERT_EQ(gethostname(name, sizeof(name)), 0);
  EXPECT_EQ(Text(DetectHost(), "host.name"), name);
  EXPECT_NE(Text(DetectHost(), "host.arch"), "");
  EXPECT_EQ(Text(DetectOs(), "os.type"), "linux");
}

TEST(Detectors, ReadOsRelease) {
  const char* const file = "NAME=Debian\nPRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nVERSION='12 (x)'\nID=";
  EXPECT_EQ(OsReleaseValue(file, "PRETTY_NAME"), "Debian GNU/Linux 12 (bookworm)");
  EXPECT_EQ(OsReleaseValue(file, "NAME"), "Debian");
  EXPECT_EQ(OsReleaseValue(file, "VERSION"), "12 (x)");
  EXPECT_EQ(OsReleaseValue(file, "ID"), "");
  EXPECT_EQ(OsReleaseValue(file, "VERSION_ID"), "");
}

TEST(Detectors, NameTheServiceAfterTheExecutable) {
  const Attributes service = DetectService();
  EXPECT_EQ(Text(service, "service.name"), "unknown_service:sdk_resource_test");
  EXPECT_THAT(Text(service, "service.instance.id"),
              MatchesRegex("[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"));
  EXPECT_EQ(service, DetectService());
}

TEST(Detectors, TakeTheServiceNameBeforeTheAttributesOfTheEnvironment) {
  EXPECT_EQ(Detected({}), Attributes());
  EXPECT_EQ(Detected({{"OTEL_RESOURCE_ATTRIBUTES", "service.name=a,team=search%20%26%20rank"}}),
            (Attributes{{"service.name", "a"}, {"team", "search & rank"}}));
  EXPECT_EQ(Detected({{"OTEL_RESOURCE_ATTRIBUTES", "service.name=a,x=1"}, {"OTEL_SERVICE_NAME", "b"}}),
            (Attributes{{"service.name", "b"}, {"x", "1"}}));
  EXPECT_EQ(Detected({{"OTEL_RESOURCE_ATTRIBUTES", "x=%1"}, {"OTEL_SERVICE_NAME", "b"}}),
            (Attributes{{"service.name", "b"}}));
}

TEST(Resource, HasAllByDefault) {
  ASSERT_EQ(setenv("OTEL_RESOURCE_ATTRIBUTES", "host.name=chosen,deployment.environment.name=test", 1), 0);
  const Resource resource = Resource::Default();
  ASSERT_EQ(unsetenv("OTEL_RESOURCE_ATTRIBUTES"), 0);
  EXPECT_EQ(Text(resource.attributes, "host.name"), "chosen");
  EXPECT_EQ(Text(resource.attributes, "deployment.environment.name"), "test");
  EXPECT_EQ(Text(resource.attributes, "telemetry.sdk.language"), "cpp");
  EXPECT_EQ(Text(resource.attributes, "telemetry.sdk.name"), "sightline-otel");
  EXPECT_THAT(Text(resource.attributes, "telemetry.sdk.version"), MatchesRegex("[0-9]+\\.[0-9]+\\.[0-9]+"));
  EXPECT_THAT(Text(resource.attributes, "service.name"), StartsWith("unknown_service:"));
  EXPECT_TRUE(resource.attributes.Find("process.pid"));
  EXPECT_THAT(resource.schema_url, StartsWith("https://opentelemetry.io/schemas/"));
}

}  // namespace
}  // namespace otel::internal
