# Writes a C++ file with the text of openapi.yaml. A string literal may have 64 KiB, so it is put together from pieces.
#   cmake -DIN=openapi.yaml -DOUT=... -P embed_api_description.cmake
file(READ ${IN} text)
string(LENGTH "${text}" length)
set(pieces "")
set(at 0)
while(at LESS length)
  string(SUBSTRING "${text}" ${at} 12000 piece)
  string(APPEND pieces "R\"sightline(${piece})sightline\"\n")
  math(EXPR at "${at} + 12000")
endwhile()
file(WRITE ${OUT} "// Generated from src/serve/openapi.yaml.\n#include \"serve/program_api.h\"\n\nnamespace sightline::serve {\n\n"
  "std::string_view ApiDescription() {\n  static constexpr std::string_view text =\n${pieces};\n  return text;\n}\n\n}  // namespace sightline::serve\n")
