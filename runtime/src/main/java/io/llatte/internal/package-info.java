/// What several packages share and no application sees.
package io.llatte.internal;
