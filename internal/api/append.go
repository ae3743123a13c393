package api

import (
	"encoding/json"
	"slices"
	"strconv"
)

// Appender is an answer that writes itself as JSON, byte for byte as
// encoding/json would: a list of a thousand secrets takes reflection longer
// than decrypting them does.
type Appender interface{ AppendJSON(b []byte) []byte }

// AppendJSON appends the list to b.
func (l SecretList) AppendJSON(b []byte) []byte {
	b = slices.Grow(b, 64+768*len(l.Secrets))
	b = append(b, `{"secrets":`...)
	b = appendSecrets(b, l.Secrets)
	b = append(b, `,"imports":`...)
	if l.Imports == nil {
		return append(b, `null}`...)
	}
	b = append(b, '[')
	for i, im := range l.Imports {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendField(append(b, '{'), "secretPath", im.SecretPath)
		b = appendField(append(b, ','), "environment", im.Environment)
		b = appendField(append(b, ','), "folderId", im.FolderID)
		b = append(b, `,"secrets":`...)
		b = append(appendSecrets(b, im.Secrets), '}')
	}
	return append(b, ']', '}')
}

// AppendJSON appends the answer to b.
func (o SecretOne) AppendJSON(b []byte) []byte {
	return append(o.Secret.appendJSON(append(b, `{"secret":`...)), '}')
}

func appendSecrets(b []byte, list []Secret) []byte {
	if list == nil {
		return append(b, "null"...)
	}
	b = append(b, '[')
	for i := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = list[i].appendJSON(b)
	}
	return append(b, ']')
}

func (s *Secret) appendJSON(b []byte) []byte {
	b = appendField(append(b, '{'), "id", s.ID)
	b = appendField(append(b, ','), "_id", s.LegacyID)
	b = appendField(append(b, ','), "workspace", s.Workspace)
	b = appendField(append(b, ','), "environment", s.Environment)
	b = strconv.AppendInt(append(b, `,"version":`...), int64(s.Version), 10)
	b = appendField(append(b, ','), "type", s.Type)
	b = appendField(append(b, ','), "secretKey", string(s.Key))
	b = appendText(append(b, `,"secretValue":`...), s.Plain.value.Reveal())
	if s.Base64 != nil {
		b = appendText(append(b, `,"secretValueBase64":`...), s.Base64.value.Reveal())
	}
	b = appendField(append(b, ','), "secretComment", s.Comment)
	b = appendField(append(b, ','), "secretPath", s.Path)
	b = appendOther(append(b, `,"secretReminderNote":`...), s.SecretReminderNote, s.SecretReminderNote == nil)
	b = appendOther(append(b, `,"secretReminderRepeatDays":`...), s.SecretReminderRepeatDays, s.SecretReminderRepeatDays == nil)
	b = strconv.AppendBool(append(b, `,"skipMultilineEncoding":`...), s.SkipMultilineEncoding)
	b = appendOther(append(b, `,"metadata":`...), s.Metadata, s.Metadata == nil)
	b = appendList(append(b, `,"secretMetadata":`...), s.SecretMetadata)
	b = appendList(append(b, `,"tags":`...), s.Tags)
	return s.appendRest(b)
}

func (s *Secret) appendRest(b []byte) []byte {
	b = strconv.AppendBool(append(b, `,"secretValueHidden":`...), s.SecretValueHidden)
	b = strconv.AppendBool(append(b, `,"isRotatedSecret":`...), s.IsRotatedSecret)
	b = appendOther(append(b, `,"rotationId":`...), s.RotationID, s.RotationID == nil)
	if s.Actor != nil {
		b = appendOther(append(b, `,"actor":{"actorId":`...), s.Actor.ID, s.Actor.ID == nil)
		b = appendField(append(b, ','), "actorType", s.Actor.Type)
		b = append(appendField(append(b, ','), "name", s.Actor.Name), '}')
	}
	b = s.CreatedAt.UTC().AppendFormat(append(b, `,"createdAt":`...), timeLayout)
	b = s.UpdatedAt.UTC().AppendFormat(append(b, `,"updatedAt":`...), timeLayout)
	if s.Literal {
		b = append(b, `,"literal":true`...)
	}
	return append(b, '}')
}

func appendField(b []byte, name, value string) []byte {
	b = append(b, '"')
	b = append(b, name...)
	return appendText(append(b, '"', ':'), value)
}

// appendText quotes a text; one of plain ASCII, as nearly all are, without
// asking encoding/json.
func appendText[T string | []byte](b []byte, s T) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c >= 0x7f || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&' {
			return appendOther(b, string(s), false)
		}
	}
	b = append(b, '"')
	b = append(b, s...)
	return append(b, '"')
}

func appendList[T any](b []byte, list []T) []byte {
	if list != nil && len(list) == 0 {
		return append(b, '[', ']')
	}
	return appendOther(b, list, list == nil)
}

// appendOther leaves what is rare to encoding/json. Nothing that comes here can
// fail to be written.
func appendOther(b []byte, v any, isNull bool) []byte {
	if isNull {
		return append(b, "null"...)
	}
	text, _ := json.Marshal(v)
	return append(b, text...)
}
