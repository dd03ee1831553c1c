# Writes a C++ file with a function that gives the bytes of IN.
#   cmake -DIN=page.html -DOUT=page_html.cc -DFUNCTION=page_html -P embed.cmake
file(READ ${IN} hex HEX)
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
file(WRITE ${OUT} "#include <string_view>\n\nnamespace demo::embedded {\n\n"
  "static constexpr unsigned char kBytes[] = {${bytes}};\n\n"
  "std::string_view ${FUNCTION}() { return {reinterpret_cast<const char*>(kBytes), sizeof(kBytes)}; }\n\n"
  "}  // namespace demo::embedded\n")
