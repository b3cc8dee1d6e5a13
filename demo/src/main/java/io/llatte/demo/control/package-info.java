/// What an operator sees and does: the runtime's state, its events, its numbers, and loading, switching and unloading.
package io.llatte.demo.control;
