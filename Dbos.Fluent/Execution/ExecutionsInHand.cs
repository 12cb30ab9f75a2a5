using System.Collections.Concurrent;
using Dbos.Fluent.Storage;

namespace Dbos.Fluent.Execution;

/// <summary>
/// Executions whose rows are, or may be, this engine's already, and that are about to begin here: a start that is being written, a claim
/// whose histories are being read. However long that takes, they are nobody's orphans.
/// </summary>
internal sealed class ExecutionsInHand
{
    private readonly ConcurrentDictionary<Ownership, bool> executions = new();

    public ICollection<Ownership> All => executions.Keys;

    public void Hold(Ownership execution) => executions[execution] = true;

    /// <summary>Once it has begun, or is somebody else's.</summary>
    public void LetGo(Ownership execution) => executions.TryRemove(execution, out _);
}
