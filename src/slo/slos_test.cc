#include "slo/slos.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "slo/testing/scripted_counter.h"

namespace sightline::slo {
namespace {

using ::testing::HasSubstr;

class SlosTest : public testing::SloTest {
 protected:
  void WriteFile(const std::string& name, const std::string& text) {
    std::filesystem::create_directories(directory_ + "/slos");
    std::ofstream(directory_ + "/slos/" + name) << text;
  }
  static std::vector<std::string> Ids(const SloList& list) {
    std::vector<std::string> ids;
    for (const Slo& slo : list.slos) ids.push_back(slo.id);
    return ids;
  }
};

TEST_F(SlosTest, AChangeNamesTheVersionThatItWasMadeFrom) {
  const Slo made = Make(Document());
  EXPECT_EQ(made.version, 1);
  const auto changed = slos_->Update(made.id, 1, Document(0.99));
  ASSERT_TRUE(changed) << changed.error().message;
  EXPECT_EQ(changed->version, 2);
  EXPECT_EQ(slos_->Update(made.id, 1, Document(0.9)).error().code, Code::kFailedPrecondition);
  EXPECT_EQ(slos_->Delete(made.id, 1).error().code, Code::kFailedPrecondition);
  EXPECT_EQ(slos_->Get(made.id)->document.objective, 0.99);
  Open();
  EXPECT_EQ(slos_->Get(made.id)->version, 2) << "after a start of the program";
  ASSERT_TRUE(slos_->Delete(made.id, 2));
  EXPECT_EQ(slos_->Get(made.id).error().code, Code::kNotFound);
  EXPECT_NE(Make(Document()).id, made.id) << "an id is never used again";
}

TEST_F(SlosTest, WhatIsNoIdIsNotFound) {
  for (const char* id : {"", "0", "-1", "1x", "99", "file-", "ready-a"}) {
    EXPECT_EQ(slos_->Get(id).error().code, Code::kNotFound) << id;
  }
}

TEST_F(SlosTest, FilesStandBesideOwnOnesAndOnlyTheFileChangesThem) {
  const std::string yaml =
      "schema: 1\nname: A file\nobjective: 0.9\nwindow: {kind: rolling, length: 7d}\n"
      "sli: {kind: requests, service: '007', good: no_error}\n";
  WriteFile("shop.yaml", yaml);
  WriteFile("shop.json", Document());
  WriteFile("broken.yml", yaml + "colour: red\n");
  WriteFile("no yaml.yaml", "a: [");
  WriteFile("readme.txt", "not one of them");
  Slos slos(*database_, directory_ + "/slos", clock_);
  const Slo own = *slos.Create(Document(0.5, "zebra"));
  const auto list = slos.List();
  ASSERT_TRUE(list) << list.error().message;
  EXPECT_EQ(Ids(*list), (std::vector<std::string>{"file-shop", own.id})) << "by name; of two files of a name the first";
  ASSERT_EQ(list->broken.size(), 3u);
  EXPECT_EQ(list->broken[0].file, "broken.yml");
  EXPECT_THAT(list->broken[0].error, HasSubstr("colour"));
  EXPECT_THAT(list->broken[1].error, HasSubstr("no name"));
  EXPECT_EQ(list->broken[2].file, "shop.yaml");
  EXPECT_EQ(slos.Update("file-shop", 1, Document()).error().code, Code::kAlreadyExists);
  EXPECT_EQ(slos.Delete("file-shop", 1).error().code, Code::kAlreadyExists);
  std::filesystem::remove(directory_ + "/slos/shop.json");
  const auto of_yaml = slos.Get("file-shop");
  ASSERT_TRUE(of_yaml) << of_yaml.error().message;
  EXPECT_EQ(std::get<RequestsSli>(of_yaml->document.sli).service, "007") << "quoted: a text";
  EXPECT_FALSE(Slos(*database_, directory_ + "/nowhere", clock_).List());
}

TEST_F(SlosTest, OnesThatOthersAreMadeOfCannotBecomeComposite) {
  const Slo part = Make(Document(0.9, "part")), other = Make(Document(0.9, "other"));
  const auto composite_of = [](const std::string& id) {
    return fmt::format(
        R"({{"schema":1,"name":"c","objective":0.9,"window":{{"kind":"rolling","length":"7d"}},"sli":{{"kind":"composite","of":["{}"]}}}})",
        id);
  };
  const Slo whole = Make(composite_of(part.id));
  EXPECT_THAT(slos_->Update(part.id, 1, composite_of(other.id)).error().message, HasSubstr("made of this one"));
  EXPECT_THAT(slos_->Update(whole.id, 1, composite_of(whole.id)).error().message, HasSubstr("itself"));
  EXPECT_TRUE(slos_->Update(whole.id, 1, composite_of(other.id)));
  EXPECT_TRUE(slos_->Delete(part.id, 1));
}

}  // namespace
}  // namespace sightline::slo
