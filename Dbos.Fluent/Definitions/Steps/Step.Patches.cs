using Dbos.Fluent.Definitions;
using Dbos.Fluent.Model;

namespace Dbos.Fluent;

public abstract partial class Step
{
    /// <summary>Asks whether changed code is to run here: <c>true</c> in new runs, <c>false</c> where the old code has passed.</summary>
    /// <remarks>
    /// A run that comes here for the first time stores a marker, <c>DBOS.patch-{name}</c>, under the next sequence number, and goes the new
    /// way; a replay finds the marker and goes it again. A history that goes on here without the marker was made by the old code: it goes
    /// the old way, and the step takes no sequence number. When no unfinished workflow is without the marker, replace the step by
    /// <see cref="DeprecatePatch"/>.
    /// </remarks>
    /// <param name="name">Names the change. Not blank, at most 255 characters, no control characters.</param>
    /// <returns>The descriptor, to be yielded; not as a member of a group.</returns>
    /// <exception cref="ArgumentException">The name is blank, too long or holds control characters.</exception>
    public static Step<bool> Patch(string name) => new PatchStep(Names.CheckName(name, nameof(name)));

    /// <summary>Passes over the marker of a <see cref="Patch"/> where a history holds it, and stores none.</summary>
    /// <remarks>
    /// The old way is gone from the code by now. When no unfinished workflow holds the marker any more, this step goes too.
    /// </remarks>
    /// <param name="name">The name of the patch.</param>
    /// <returns>The descriptor, to be yielded; not as a member of a group.</returns>
    /// <exception cref="ArgumentException">The name is blank, too long or holds control characters.</exception>
    public static Step<Unit> DeprecatePatch(string name) => new DeprecatePatchStep(Names.CheckName(name, nameof(name)));
}
