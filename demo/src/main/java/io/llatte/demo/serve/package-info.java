/// `llatte serve`: the server as a whole.
package io.llatte.demo.serve;
