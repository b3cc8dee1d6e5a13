/// The command `llatte`. [io.llatte.demo.Llatte] is its main class; each command is a class of its own.
package io.llatte.demo;
