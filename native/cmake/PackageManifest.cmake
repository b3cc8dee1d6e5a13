# Writes llatte-natives.properties into the install folder: each file, its SHA-256 and its size. The checksum of this list names
# the folder that the Java side extracts a natives jar to, so it changes exactly when one of the files does.
get_filename_component(folder "$ENV{DESTDIR}${CMAKE_INSTALL_PREFIX}" ABSOLUTE BASE_DIR "$ENV{PWD}")
set(manifest "${folder}/llatte-natives.properties")
file(REMOVE "${manifest}")
file(GLOB files LIST_DIRECTORIES false RELATIVE "${folder}" "${folder}/*")
list(SORT files)
set(content "")
foreach (file IN LISTS files)
    file(SHA256 "${folder}/${file}" digest)
    file(SIZE "${folder}/${file}" size)
    string(APPEND content "${file}=${digest} ${size}\n")
endforeach()
file(WRITE "${manifest}" "${content}")
