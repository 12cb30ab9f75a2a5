using Dbos.Fluent.Errors;
using Dbos.Fluent.Serialization;
using Dbos.Fluent.Storage;

namespace Dbos.Fluent.Execution;

/// <summary>The recorded reason of a cancellation, in both formats, as one statement may cancel rows of either.</summary>
internal static class CancelErrors
{
    public static CancelError Encode(PayloadSerializer serializer, CancellationReason reason)
    {
        // One record serves many workflows, so it names none; whoever awaits one knows its id.
        var failure = Failures.Record(new AwaitedWorkflowCancelledException("", reason));
        return new CancelError(
            serializer.EncodeFailure(failure, PayloadFormat.MessagePack).Text!,
            serializer.EncodeFailure(failure, PayloadFormat.PortableJson).Text!);
    }
}
