using Dbos.Fluent.Errors;
using Dbos.Fluent.Serialization;
using Dbos.Fluent.Storage;

namespace Dbos.Fluent.Execution;

/// <summary>Encodes the reason of a cancellation in both formats, as one statement may cancel rows of either.</summary>
internal static class CancelErrors
{
    public static CancelError Encode(PayloadSerializer serializer, CancellationReason reason)
    {
        // One record is stored for many workflows, so it names none. An awaiter knows the id of its workflow.
        var failure = Failures.Record(new AwaitedWorkflowCancelledException("", reason));
        return new CancelError(
            serializer.EncodeFailure(failure, PayloadFormat.MessagePack).Text!,
            serializer.EncodeFailure(failure, PayloadFormat.PortableJson).Text!);
    }
}
