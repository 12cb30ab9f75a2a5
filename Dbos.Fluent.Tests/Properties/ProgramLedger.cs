using System.Collections.Concurrent;

namespace Dbos.Fluent.Tests.Properties;

/// <summary>What generated workflows did: the step bodies that were entered, and where their histories depend on timing.</summary>
internal sealed class ProgramLedger
{
    private readonly ConcurrentDictionary<(string WorkflowId, int Sequence), int> entered = new();
    private readonly ConcurrentDictionary<(string WorkflowId, int Sequence), bool> loose = new();
    private readonly ConcurrentDictionary<(string WorkflowId, int Sequence), int> groups = new();

    public void Enter(StepContext s) => entered.AddOrUpdate((s.WorkflowId, s.Sequence), 1, (_, count) => count + 1);

    public bool WasEntered(string workflowId, int sequence) => entered.ContainsKey((workflowId, sequence));

    /// <summary>Notes that rows in this range may be there or not: a member of a group failed, and the others were stopped.</summary>
    public void Loosen(string workflowId, int first, int count)
    {
        for (var sequence = first; sequence < first + count; sequence++)
        {
            loose[(workflowId, sequence)] = true;
        }
    }

    /// <summary>Notes that the rows in this range are written in any order.</summary>
    public void Group(string workflowId, int first, int count)
    {
        for (var sequence = first; sequence < first + count; sequence++)
        {
            groups[(workflowId, sequence)] = first;
        }
    }

    /// <summary>The first number of the group that a row belongs to; its own if it belongs to none.</summary>
    public int FirstOfGroup(string workflowId, int sequence) => groups.GetValueOrDefault((workflowId, sequence), sequence);

    public bool IsLoose(string workflowId, int sequence) => loose.ContainsKey((workflowId, sequence));
}
