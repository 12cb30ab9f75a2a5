using Microsoft.Extensions.Logging;

namespace Dbos.Fluent.Messaging;

/// <summary>The log messages of wake-ups. Event ids 13xx; never reused.</summary>
internal static partial class MessagingLog
{
    [LoggerMessage(1301, LogLevel.Debug, "An announcement to other processes failed; their polls cover it")]
    public static partial void AnnouncementFailed(this ILogger logger, Exception exception);

    [LoggerMessage(1302, LogLevel.Error, "Listening for wake-ups ended; everything is noticed by polling from now on")]
    public static partial void ListeningEnded(this ILogger logger, Exception exception);
}
