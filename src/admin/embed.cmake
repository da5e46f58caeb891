# Makes a C table of files: cmake -DOUT=assets.c -DGZIP=gzip -DFILES="NAME=FILE;..." -P
# Each is in it as it is, and compressed where that is smaller.
# SPDX-License-Identifier: MIT
set(types html "text/html; charset=utf-8" js "text/javascript; charset=utf-8"
    css "text/css; charset=utf-8" json "application/json" svg "image/svg+xml"
    png "image/png" ico "image/x-icon" woff2 "font/woff2"
    webmanifest "application/manifest+json" txt "text/plain; charset=utf-8")

# As the rows of an array of bytes.
function(c_bytes file var length)
    file(READ ${file} hex HEX)
    string(LENGTH "${hex}" n)
    math(EXPR n "${n} / 2")
    string(REGEX REPLACE "(..)" "0x\\1," bytes "${hex}")
    set(${var} "${bytes}" PARENT_SCOPE)
    set(${length} ${n} PARENT_SCOPE)
endfunction()

set(arrays "")
set(rows "")
set(i 0)
foreach(pair ${FILES})
    string(REGEX MATCH "^([^=]*)=(.*)$" ignored ${pair})
    set(path ${CMAKE_MATCH_1})
    set(file ${CMAKE_MATCH_2})
    get_filename_component(extension ${file} LAST_EXT)
    string(SUBSTRING ${extension} 1 -1 extension)
    list(FIND types ${extension} at)
    if(at EQUAL -1)
        message(FATAL_ERROR "${file}: its type is not known (src/admin/embed.cmake)")
    endif()
    math(EXPR at "${at} + 1")
    list(GET types ${at} type)
    file(SHA256 ${file} hash)
    string(SUBSTRING ${hash} 0 24 hash)
    execute_process(COMMAND ${GZIP} -9 -n -c INPUT_FILE ${file}
        OUTPUT_FILE ${OUT}.gz RESULT_VARIABLE failed)
    if(failed)
        message(FATAL_ERROR "${file}: ${GZIP}: ${failed}")
    endif()
    c_bytes(${file} plain plain_len)
    c_bytes(${OUT}.gz packed packed_len)
    string(APPEND arrays "static const unsigned char plain_${i}[] = {${plain}0};\n")
    set(gz "NULL, 0")
    if(packed_len LESS plain_len)
        string(APPEND arrays "static const unsigned char packed_${i}[] = {${packed}0};\n")
        set(gz "packed_${i}, ${packed_len}")
    endif()
    string(APPEND rows
        "    {\"${path}\", \"${type}\", \"\\\"${hash}\\\"\", plain_${i}, ${plain_len}, ${gz}},\n")
    math(EXPR i "${i} + 1")
endforeach()
file(REMOVE ${OUT}.gz)
file(WRITE ${OUT} "// assets.c -- made by embed.cmake.
#include \"site.h\"

${arrays}
const struct page_asset page_assets[] = {
${rows}};
const int n_page_assets = ${i};
")
