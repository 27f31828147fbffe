#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <fstream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "memsect/memsect.h"

namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

const std::string dump = MEMSECT_TESTDATA "/real/circular-5.10/vmcore";

struct Failure {
  memsect_error* error = nullptr;
  ~Failure() { memsect_error_free(error); }
  std::string text() const { return memsect_error_text(error); }
};

struct Session {
  memsect_session* session = nullptr;
  ~Session() { memsect_close(session); }
};

memsect_status open(const std::vector<const char*>& files, const char* options, Session& out,
                    Failure& failure) {
  return memsect_open(files.data(), files.size(), options, &out.session, &failure.error);
}

std::string answer(memsect_session* session, const char* question, const char* options = nullptr) {
  char* json = nullptr;
  Failure failure;
  if (memsect_ask(session, question, options, &json, &failure.error) == MEMSECT_ERROR) return failure.text();
  std::string text = json;
  memsect_free(json);
  return text;
}

TEST(Library, AnswersInTheJsonOfTheProgram) {
  Session session;
  Failure failure;
  ASSERT_EQ(open({dump.c_str()}, R"({"search": false})", session, failure), MEMSECT_OK) << failure.text();
  EXPECT_THAT(answer(session.session, "deps"), StartsWith("{\n  \"schema\": \"memsect/"));
  EXPECT_THAT(answer(session.session, "why", R"({"target": "memory7"})"), HasSubstr("\"verdict\""));
  EXPECT_THAT(answer(session.session, "sections", R"({"section": "2", "blocks": true})"),
              HasSubstr("\"section\": 2"));
}

TEST(Library, IsAskedManyTimes) {
  Session session;
  Failure failure;
  ASSERT_EQ(open({dump.c_str()}, R"({"search": false})", session, failure), MEMSECT_OK);
  const std::string first = answer(session.session, "deps");
  answer(session.session, "removable");
  EXPECT_EQ(answer(session.session, "deps"), first);
}

TEST(Library, SaysWhatAnExitStatusSays) {
  Session session;
  Failure failure;
  ASSERT_EQ(open({dump.c_str()}, R"({"search": false})", session, failure), MEMSECT_OK);
  char* json = nullptr;
  EXPECT_EQ(memsect_ask(session.session, "deps", R"({"fail-on": "cycle"})", &json, nullptr), MEMSECT_FOUND);
  memsect_free(json);
}

TEST(Library, NamesWhatItDoesNotUnderstand) {
  Session session;
  Failure failure;
  ASSERT_EQ(open({dump.c_str()}, R"({"search": false})", session, failure), MEMSECT_OK);
  const auto refused = [&](const char* question, const char* options) {
    char* json = nullptr;
    Failure why;
    EXPECT_EQ(memsect_ask(session.session, question, options, &json, &why.error), MEMSECT_ERROR);
    EXPECT_EQ(json, nullptr);
    EXPECT_EQ(memsect_error_code(why.error), MEMSECT_ERROR_USAGE);
    return why.text();
  };
  EXPECT_THAT(refused("depths", nullptr), HasSubstr("no such question"));
  EXPECT_THAT(refused("deps", "{"), HasSubstr("not JSON"));
  EXPECT_THAT(refused("deps", "[]"), HasSubstr("not a JSON object"));
  EXPECT_THAT(refused("deps", R"({"section": "2"})"), HasSubstr("no such option"));
  EXPECT_THAT(refused("deps", R"({"self": "yes"})"), HasSubstr("expected true or false"));
  EXPECT_THAT(refused("deps", R"({"fail-on": "rain"})"), HasSubstr("unknown value"));
  EXPECT_THAT(refused("sections", R"({"section": "two"})"), HasSubstr("not of the form"));
  EXPECT_THAT(refused("sections", R"({"section": ["1", "2"]})"), HasSubstr("one value"));
  EXPECT_THAT(refused("why", nullptr), HasSubstr("needs a TARGET"));
  EXPECT_THAT(refused("why", R"({"target": "moon"})"), HasSubstr("moon"));
  EXPECT_THAT(refused("deps", R"({"threads": -1})"), HasSubstr("threads"));
}

TEST(Library, SaysWhyItCannotOpen) {
  Session session;
  Failure missing;
  EXPECT_EQ(open({"no/such/vmcore"}, nullptr, session, missing), MEMSECT_ERROR);
  EXPECT_EQ(session.session, nullptr);
  EXPECT_EQ(memsect_error_code(missing.error), MEMSECT_ERROR_UNREADABLE);
  EXPECT_THAT(missing.text(), HasSubstr("no/such/vmcore"));
  Failure unknown;
  EXPECT_EQ(open({dump.c_str()}, R"({"colour": true})", session, unknown), MEMSECT_ERROR);
  EXPECT_EQ(memsect_error_code(unknown.error), MEMSECT_ERROR_USAGE);
  Failure garbled;
  EXPECT_EQ(open({dump.c_str()}, "{", session, garbled), MEMSECT_ERROR);
}

TEST(Library, AnswersSessionsOfSeveralThreadsAtOnce) {
  std::vector<std::string> answers(4);
  {
    std::vector<std::jthread> threads;
    for (std::string& mine : answers) {
      threads.emplace_back([&mine] {
        Session session;
        Failure failure;
        if (open({dump.c_str()}, R"({"search": false})", session, failure) == MEMSECT_OK)
          mine = answer(session.session, "removable");
      });
    }
  }
  EXPECT_THAT(answers.front(), StartsWith("{"));
  for (const std::string& one : answers) EXPECT_EQ(one, answers.front());
}

TEST(Library, RefusesMemoryThatIsNone) {
  memsect_memory memory{};
  memory.read = [](void*, std::uint64_t, void*, std::size_t) { return 1; };
  const memsect_range wrapped{~std::uint64_t{0}, 2};
  Session session;
  Failure failure;
  memory.ranges = &wrapped;
  memory.range_count = 1;
  EXPECT_EQ(memsect_open_memory(&memory, nullptr, &session.session, &failure.error), MEMSECT_ERROR);
  EXPECT_EQ(memsect_error_code(failure.error), MEMSECT_ERROR_USAGE);
  const memsect_range small{0, 1 << 20};
  memory.ranges = &small;
  memory.vmcoreinfo = "OSRELEASE=6.1.0\nPAGESIZE=4096\n";
  Failure unreadable;
  EXPECT_EQ(memsect_open_memory(&memory, R"({"search": false})", &session.session, &unreadable.error),
            MEMSECT_ERROR);
  EXPECT_EQ(memsect_error_code(unreadable.error), MEMSECT_ERROR_UNREADABLE);
}

TEST(Library, DescribesItsQuestions) {
  char* json = memsect_questions();
  EXPECT_THAT(json, HasSubstr("\"name\": \"removable\""));
  memsect_free(json);
  EXPECT_NE(std::strlen(memsect_version()), 0U);
}

}  // namespace
