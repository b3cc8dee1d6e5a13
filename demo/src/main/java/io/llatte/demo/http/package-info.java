/// What any HTTP server of ours needs and Helidon leaves open: clients that vanish or dawdle, keys and origins, JSON with exact errors, event streams.
package io.llatte.demo.http;
