using System.Diagnostics;
using Dbos.Fluent.Storage;

namespace Dbos.Fluent.Execution;

/// <summary>The exceptions of starts that the database refused.</summary>
internal static class StartRefusals
{
    public static DbosException ToException(CommitResult result, string workflowId, string name) => result.Status switch
    {
        CommitStatus.NameConflict => new ConflictingWorkflowException(workflowId, name, result.Existing!.Name),
        CommitStatus.IdInUse => new WorkflowIdInUseException(workflowId, result.Existing!.Name, result.Existing.State),
        _ => throw new UnreachableException($"A start cannot end as {result.Status} here."),
    };
}
