using System.Diagnostics;
using Dbos.Fluent.Storage;

namespace Dbos.Fluent.Execution;

/// <summary>Makes the exceptions that say why the database refused what a workflow wrote for others.</summary>
internal static class WriteRefusals
{
    public static Exception ToException(CommitUnit unit, CommitResult result) => (result.Status, unit) switch
    {
        (CommitStatus.NoDestination, SendUnit send) =>
            new NonExistentWorkflowException(result.MissingId ?? send.Messages[0].DestinationId),
        (CommitStatus.StreamClosed, StreamUnit stream) => new StreamClosedException(stream.Owner.WorkflowId, stream.Key),
        _ => throw new UnreachableException($"A unit of type {unit.GetType().Name} ended as {result.Status}."),
    };
}
