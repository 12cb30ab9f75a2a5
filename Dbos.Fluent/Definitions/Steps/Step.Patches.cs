using Dbos.Fluent.Definitions;
using Dbos.Fluent.Model;

namespace Dbos.Fluent;

public abstract partial class Step
{
    /// <summary>Tells whether changed code runs here: <c>true</c> in new runs, <c>false</c> where the old code has passed.</summary>
    /// <remarks>
    /// A run that arrives here for the first time stores a marker, <c>DBOS.patch-{name}</c>, under the next sequence number, and runs the
    /// new code; a replay finds the marker and does the same. A history that continues here without the marker was made by the old code. It
    /// runs the old code, and the step takes no sequence number. When every unfinished workflow has the marker, replace the step by
    /// <see cref="DeprecatePatch"/>.
    /// </remarks>
    /// <param name="name">Names the change. Not blank, at most 255 characters, no control characters.</param>
    /// <returns>The descriptor, to be yielded; not as a member of a group.</returns>
    /// <exception cref="ArgumentException">The name is blank, too long or holds control characters.</exception>
    public static Step<bool> Patch(string name) => new PatchStep(Names.CheckName(name, nameof(name)));

    /// <summary>Skips the marker of a <see cref="Patch"/> if the history holds it, and stores none.</summary>
    /// <remarks>By now the old code is deleted. When no unfinished workflow holds the marker any more, delete this step too.</remarks>
    /// <param name="name">The name of the patch.</param>
    /// <returns>The descriptor, to be yielded; not as a member of a group.</returns>
    /// <exception cref="ArgumentException">The name is blank, too long or holds control characters.</exception>
    public static Step<Unit> DeprecatePatch(string name) => new DeprecatePatchStep(Names.CheckName(name, nameof(name)));
}
